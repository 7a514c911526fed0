#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lockstep/nn/network.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "train/step/nonfinite.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

bool are_finite(std::span<const Real> values);

/// Rows of the global batch as the one micro-batch number `m`.
Block as_one_micro_batch(Index m, Interval rows);

/// Rows of a failed step that pass through the network again. `step` and `model` outlive it; collective where
/// the network needs the whole batch.
class Again {
 public:
  Again(const FailedStep& step, Network& model, const Block& block);

  /// Of each row.
  std::span<const Index> samples() const { return batch_.samples; }
  std::vector<double> losses();

  /// What first gives `row` a value that is not finite: 0 for the features, i + 1 for unit i, and one more
  /// for the loss.
  std::size_t first_nonfinite(Index row) const;

  /// The first parameter of the range at which backward is first not finite; -1 where it is finite.
  Index last_nonfinite_gradient();

 private:
  RowBlock rows(std::span<const MicroBatchRows> micro_batches) const;
  ConstMatrixView features() const { return {batch_.features.data(), batch_.rows(), model_.inputs()}; }
  ConstMatrixView outputs() const { return model_.output_of(model_.units() - 1, batch_.rows()); }
  Targets targets() const { return targets_of(batch_); }

  const FailedStep& step_;
  Network& model_;
  std::vector<MicroBatchRows> micro_batches_;
  Batch batch_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
