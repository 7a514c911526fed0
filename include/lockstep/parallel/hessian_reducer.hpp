#pragma once

#include <memory>

#include <Eigen/Core>

#include "lockstep/nn/linear_hessian.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Sums the Hessians of all micro-batches over all ranks, by the same tree as the gradient, on the rank that
/// steps the parameters: rank 0, or every rank for itself with replicated shares. One step: `start`, then
/// `add` for every block, then `finish`.
class HessianReducer {
 public:
  /// `topology` outlives the reducer. Collective. Errors: those of LinearHessian.
  HessianReducer(const Network& model, const Loss& loss, bool replicated, const Topology& topology);

  /// GradientReducer::has_room. Collective.
  bool has_room(const BatchPlan& plan) { return reducer_->has_room(plan); }

  /// Begins a step as GradientReducer::start does. Collective.
  void start(const BatchPlan& plan, std::size_t blocks, double divisor) {
    reducer_->start(plan, blocks, divisor);
  }

  /// Takes the micro-batches of `block` in, with inputs x, the network's outputs, and the rows' weights,
  /// where they have any. Local.
  void add(const RowBlock& block, ConstMatrixView x, ConstMatrixView outputs, std::span<const Real> weights);

  /// The sum over all micro-batches divided by the divisor, [parameters x parameters]; empty where this
  /// rank owns nothing. Collective.
  Eigen::MatrixXd finish();

 private:
  LinearHessian hessian_;
  Shares shares_;
  bool owns_;
  std::unique_ptr<GradientReducer> reducer_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
