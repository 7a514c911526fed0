#pragma once

#include <cstdint>
#include <span>

#include "lockstep/core/index.hpp"
#include "lockstep/core/permutation.hpp"

namespace lockstep {

/// The training and validation parts of one data set: a permutation's first samples are held out. A pure
/// function of (seed, size, validation samples), the same on every rank.
class Split {
 public:
  /// `validation` of the `size` samples are held out, 0 <= validation < size.
  Split(std::uint64_t seed, Index size, Index validation);

  Index training_size() const { return size_ - validation_; }
  Index validation_size() const { return validation_; }
  /// Index in the data set of the i-th training or validation sample.
  Index training(Index i) const;
  Index validation(Index i) const;

 private:
  Permutation permutation_;
  Index size_;
  Index validation_;
};

/// The samples of one optimizer step: positions [first, first + size) of the epoch's permutation.
struct GlobalBatch {
  std::uint64_t epoch = 0;
  Index first = 0;
  Index size = 0;
};

/// Which samples a step takes: a pure function of (seed, epoch, position), without state. Every epoch visits
/// each of the `size` samples once, in an order of its own; its last batch may be smaller.
class Sampler {
 public:
  /// 1 <= batch_size <= size.
  Sampler(std::uint64_t seed, Index size, Index batch_size);

  std::uint64_t seed() const { return seed_; }
  Index steps_per_epoch() const;
  /// The batch of optimizer step `step`, counted from 0 over all epochs.
  GlobalBatch batch(std::uint64_t step) const;
  /// samples[i] = the sample (0 … size-1) at row `first + i` of `batch`.
  void samples(const GlobalBatch& batch, Index first, std::span<Index> samples) const;

 private:
  std::uint64_t seed_;
  Index size_;
  Index batch_size_;
};

}  // namespace lockstep
