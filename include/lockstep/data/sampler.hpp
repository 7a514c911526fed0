#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/core/index.hpp"
#include "lockstep/core/permutation.hpp"

namespace lockstep {

/// How samples are chosen that are held out: any, or of each class its part.
enum class HoldOut { kRandom, kStratified };

/// One of `count` parts into which samples are cut, 0 <= number < count; no part where count is 0.
struct Fold {
  Index number = 0;
  Index count = 0;

  bool operator==(const Fold&) const = default;
};

/// The training and validation parts of one data set. Which samples are held out is decided by a permutation;
/// a pure function of what the constructor is given, the same on every rank.
class Split {
 public:
  /// The permutation's first `validation` of `size` samples are held out, 0 <= validation < size.
  Split(std::uint64_t seed, Index size, Index validation);
  /// `fold` is held out, 2 <= fold.count <= size. Folds are runs of the permutation, and the first ones have
  /// a sample more where their number does not divide `size` (sklearn.model_selection.KFold).
  Split(std::uint64_t seed, Index size, const Fold& fold);

  /// The same numbers of samples, chosen class by class, and each class in the permutation's order: its part
  /// of `validation` is rounded such that the sum is kept, up where the remainder is largest (Hamilton's
  /// method; of equal ones the first class).
  static Split stratified(std::uint64_t seed, std::span<const std::int32_t> labels, Index validation);
  /// All samples, class after class, are dealt out to the folds in turn (StratifiedKFold).
  static Split stratified(std::uint64_t seed, std::span<const std::int32_t> labels, const Fold& fold);

  /// Whole groups, by the group 0, 1, … of each sample: in the order of a permutation of them, so many as
  /// come nearest to `validation` samples, of equally near ones the fewer, but at least one and not all.
  /// 0 < validation < samples, at least two groups.
  static Split grouped(std::uint64_t seed, std::span<const std::int32_t> groups, Index validation);
  /// The groups, from the largest to the smallest, go to the fold that has the fewest samples yet, of such to
  /// the first (sklearn.model_selection.GroupKFold); of equally large groups the first in that permutation
  /// comes first. At least as many groups as folds.
  static Split grouped(std::uint64_t seed, std::span<const std::int32_t> groups, const Fold& fold);

  Index training_size() const { return size_ - validation_; }
  Index validation_size() const { return validation_; }
  /// Index in the data set of the i-th training or validation sample.
  Index training(Index i) const;
  Index validation(Index i) const;

 private:
  Index sample_at(Index position) const;
  static Split grouped(std::uint64_t seed, std::span<const std::int32_t> groups,
                       const std::vector<bool>& chosen);
  /// Holds out what is `chosen`, by sample: moves it to the first positions.
  void hold_out(const std::vector<bool>& chosen);

  Permutation permutation_;
  std::vector<Index> order_;  // the sample at each position, where that is not the permutation's
  Index size_;
  Index first_ = 0;  // position of what is held out
  Index validation_ = 0;
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
