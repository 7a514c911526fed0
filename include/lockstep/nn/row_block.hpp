#pragma once

#include <cstdint>
#include <span>

#include "lockstep/core/index.hpp"
#include "lockstep/nn/batch_sums.hpp"

namespace lockstep {

/// In which numbers a linear unit multiplies. Sums, parameters, gradients and everything else are Real.
/// kBfloat16: factors rounded to 8 significant bits, products summed in float (Kalamkar et al.: A study of
/// bfloat16 for deep learning training, arXiv 1905.12322).
enum class Precision { kFloat32, kBfloat16 };

/// The rows of one micro-batch inside a block; never empty.
struct MicroBatchRows {
  int micro_batch = 0;  ///< index among the M of the global batch
  Index first = 0;
  Index count = 0;
};

/// The rows that pass through the network together: whole micro-batches, one after another.
struct RowBlock {
  std::span<const MicroBatchRows> micro_batches;
  std::span<const Index> samples;  ///< which sample of the data set each row is
  bool training = false;           ///< dropout is on
  std::uint64_t seed = 0;          ///< of the run
  std::uint64_t step = 0;
  Precision precision = Precision::kFloat32;
  BatchSums* batch = nullptr;  ///< over the global batch; null: that is this block

  Index rows() const { return static_cast<Index>(samples.size()); }
  /// Samples of the global batch.
  Index samples_of_batch() const { return batch == nullptr ? rows() : batch->samples(); }
};

/// BatchSums::add_up over block.batch, or, where that is null, over the micro-batches of `block` in rising
/// order.
void add_up(const RowBlock& block, const WriteSums& write, std::span<double> totals);

}  // namespace lockstep
