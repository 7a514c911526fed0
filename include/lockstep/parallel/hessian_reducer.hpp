#pragma once

#include <memory>

#include <Eigen/Core>

#include "lockstep/nn/linear_hessian.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"

namespace lockstep {

/// Sums the Hessians of all micro-batches over all ranks, by the same tree as the gradient. One step:
/// `start`, then `add` for every block, then `finish`.
class HessianReducer {
 public:
  /// Collective. Errors: those of LinearHessian.
  HessianReducer(const Model& model, const Loss& loss, Reduction reduction, Communicator& communicator,
                 Exchange exchange);

  /// Begins a step with this plan. Collective.
  void start(const BatchPlan& plan) { reducer_->start(plan); }

  /// Takes the micro-batches of `block` in, with inputs x and the network's outputs. Local.
  void add(const RowBlock& block, ConstMatrixView x, ConstMatrixView outputs);

  /// The sum over all micro-batches divided by `divisor`, [parameters x parameters], the same bits on every
  /// rank. Collective.
  Eigen::MatrixXd finish(Real divisor) { return hessian_.unpack(reducer_->finish(divisor)); }

 private:
  LinearHessian hessian_;
  std::unique_ptr<GradientReducer> reducer_;
};

}  // namespace lockstep
