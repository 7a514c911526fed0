#pragma once

#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/shares.hpp"

namespace lockstep {

/// What all ranks have to know about a step before any of them may take it: the losses of all micro-batches
/// and the norm of the gradient. Each rank writes what it has, one all-gather makes it known to all.
class StepFacts {
 public:
  /// `shares` outlives the facts.
  StepFacts(Communicator& communicator, const Shares& shares, Index micro_batches);

  /// Of this rank's micro-batches, in their order; to be written, 0 where there are no samples. Local.
  std::span<double> own_losses();

  /// Makes own_losses and `squares`, as GradientReducer has them, known to all. Collective.
  void share(std::span<const double> squares);

  /// Of all micro-batches; the same on every rank.
  std::span<const double> losses() const { return losses_; }

  /// √Σ g² over all parameters, piece by piece in their order; the same bits on every rank.
  double gradient_norm() const { return gradient_norm_; }

  /// Whether all losses and the gradient are finite; the same on every rank.
  bool are_finite() const;

 private:
  Communicator& communicator_;
  std::vector<std::vector<Interval>> pieces_;  // that each rank owns
  std::size_t own_micro_batches_;
  std::size_t most_micro_batches_;  // of a rank: where the squares begin
  std::vector<double> mine_, all_;
  std::vector<double> losses_;
  std::vector<double> squares_;
  double gradient_norm_ = 0;
};

}  // namespace lockstep
