#pragma once

#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/shares.hpp"

namespace lockstep {

/// What all ranks have to know about a step before any of them may take it: the losses of all micro-batches,
/// the units' sums over the samples, the norm of the gradient, and how long each took. Each rank writes what
/// it has, one all-gather makes it known to all.
class StepFacts {
 public:
  /// `shares` outlives the facts; `sums`: how many the units take over the samples of a micro-batch.
  StepFacts(Communicator& communicator, const Shares& shares, Index micro_batches, Index sums);

  /// Begins a step of this plan, which outlives it. Local.
  void start(const BatchPlan& plan);

  /// Of this rank's micro-batches, in their order; to be written, 0 where there are no samples. Local.
  std::span<double> own_losses();

  /// The units' sums of this rank's micro-batch number `i`; to be written, 0 where there are no samples.
  /// Local.
  std::span<double> own_sums(std::size_t i);

  /// Makes own_losses, own_sums, `squares`, as GradientReducer has them, and the `seconds` that this rank has
  /// computed known to all. Collective.
  void share(std::span<const double> squares, double seconds);

  /// Of each rank; the same on every rank, though no result depends on them.
  std::span<const double> seconds() const { return seconds_; }

  /// Of all micro-batches; the same on every rank.
  std::span<const double> losses() const { return losses_; }

  /// Each of the units' sums over all samples, by the tree; the same bits on every rank. Valid until the
  /// next call.
  std::span<const double> sums(const Presence& present);

  /// √Σ g² over all parameters, piece by piece in their order; the same bits on every rank.
  double gradient_norm() const { return gradient_norm_; }

  /// Whether all losses and the gradient are finite; the same on every rank.
  bool are_finite() const;

 private:
  Communicator& communicator_;
  const BatchPlan* plan_ = nullptr;            // of the step
  std::vector<std::vector<Interval>> pieces_;  // that each rank owns
  std::size_t most_pieces_ = 0;                // of a rank
  std::size_t own_micro_batches_ = 0;
  std::size_t most_micro_batches_ = 0;  // of a rank
  std::size_t sums_;                    // of a micro-batch
  std::vector<double> mine_, all_;      // of each rank: losses, sums, squares, seconds
  std::vector<double> seconds_;
  std::vector<double> losses_;
  std::vector<double> micro_batch_sums_;  // [micro-batches x sums]
  std::vector<double> each_;              // of the micro-batches, one of those sums
  std::vector<double> totals_;            // [sums]
  std::vector<double> squares_;
  double gradient_norm_ = 0;
};

}  // namespace lockstep
