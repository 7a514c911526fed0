#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "lockstep/core/index.hpp"
#include "lockstep/nn/batch_sums.hpp"

namespace lockstep {

/// In which numbers linear units and convolutions multiply. Sums, parameters, gradients and everything else
/// are Real. kBfloat16: factors rounded to 8 significant bits, products summed in float (Kalamkar et al.: A
/// study of bfloat16 for deep learning training, arXiv 1905.12322).
enum class Precision { kFloat32, kBfloat16 };

/// The rows of one micro-batch inside a block; never empty.
struct MicroBatchRows {
  int micro_batch = 0;  ///< index among the M of the global batch
  Index first = 0;
  Index count = 0;
};

/// Work on rows [first, first + count) of a block, by one thread.
using RowWork = std::function<void(Index first, Index count)>;

/// MiB for each thread that the values and gradients of the rows that pass through a network together take,
/// unless it is told otherwise (Network::bound_activations), and the most that it may be told. 32 are what a
/// thread works on, and with it, in most processors, its part of the last cache.
inline constexpr Index kActivationMemory = 32;
inline constexpr Index kMostActivationMemory = Index{1} << 20U;

/// The rows that pass through the network together: whole micro-batches, one after another.
struct RowBlock {
  std::span<const MicroBatchRows> micro_batches;
  std::span<const Index> samples;  ///< which sample of the data set each row is
  bool training = false;           ///< dropout is on
  std::uint64_t seed = 0;          ///< of the run
  std::uint64_t step = 0;
  Precision precision = Precision::kFloat32;
  BatchSums* batch = nullptr;       ///< over the global batch; null: that is this block
  bool keeps_outputs = false;       ///< of every unit, for Network::output_of
  Index first_row = 0;              ///< of the views, for a unit that follows_rows
  const RowWork* before = nullptr;  ///< see Unit::goes_by_rows; null: nothing
  const RowWork* after = nullptr;

  Index rows() const { return static_cast<Index>(samples.size()); }
  /// Called by a unit before it reads rows of the gradient by its output, each once.
  void start(Index first, Index count) const {
    if (before != nullptr) (*before)(first, count);
  }
  /// Called by a unit when it has written rows of its output, or of the gradient by its input, each once.
  void finish(Index first, Index count) const {
    if (after != nullptr) (*after)(first, count);
  }
  /// Samples of the global batch.
  Index samples_of_batch() const { return batch == nullptr ? rows() : batch->samples(); }
};

/// BatchSums::add_up over block.batch, or, where that is null, over the micro-batches of `block` in rising
/// order.
void add_up(const RowBlock& block, const WriteSums& write, std::span<double> totals);

}  // namespace lockstep
