#include "lockstep/data/sampler.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// All samples in the order of `permutation`.
std::vector<Index> in_order_of(const Permutation& permutation) {
  std::vector<Index> order(static_cast<std::size_t>(permutation.size()));
  permutation.map(0, order);
  return order;
}

/// Those of each class, in the order of `permutation`.
std::map<std::int32_t, std::vector<Index>> samples_by_class(const Permutation& permutation,
                                                            std::span<const std::int32_t> labels) {
  std::map<std::int32_t, std::vector<Index>> classes;
  for (const Index sample : in_order_of(permutation)) {
    classes[labels[static_cast<std::size_t>(sample)]].push_back(sample);
  }
  return classes;
}

/// The part that each of `sizes` has of `total`, by Hamilton's method.
std::vector<Index> proportional_parts(const std::vector<Index>& sizes, Index total) {
  const Index sum = std::accumulate(sizes.begin(), sizes.end(), Index{0});
  std::vector<Index> parts;
  parts.reserve(sizes.size());
  for (const Index size : sizes) parts.push_back(total * size / sum);
  std::vector<std::size_t> by_remainder(sizes.size());
  std::iota(by_remainder.begin(), by_remainder.end(), std::size_t{0});
  std::ranges::stable_sort(by_remainder, std::greater<>(),
                           [&](std::size_t i) { return total * sizes[i] % sum; });
  const Index left = total - std::accumulate(parts.begin(), parts.end(), Index{0});
  for (std::size_t i = 0; static_cast<Index>(i) < left; ++i) ++parts[by_remainder[i]];
  return parts;
}

}  // namespace

Split::Split(std::uint64_t seed, Index size, Index validation)
    : permutation_(seed, Purpose::kSplit, 0, size), size_(size), validation_(validation) {
  LOCKSTEP_CHECK(0 <= validation && validation < size);
}

Split::Split(std::uint64_t seed, Index size, const Fold& fold)
    : permutation_(seed, Purpose::kSplit, 0, size), size_(size) {
  LOCKSTEP_CHECK(0 <= fold.number && fold.number < fold.count && 2 <= fold.count && fold.count <= size);
  const Index longer = size % fold.count;
  validation_ = size / fold.count + (fold.number < longer ? 1 : 0);
  first_ = fold.number * (size / fold.count) + std::min(fold.number, longer);
}

Split Split::stratified(std::uint64_t seed, std::span<const std::int32_t> labels, Index validation) {
  Split split(seed, std::ssize(labels), validation);
  const auto classes = samples_by_class(split.permutation_, labels);
  std::vector<Index> sizes;
  sizes.reserve(classes.size());
  for (const auto& [label, samples] : classes) sizes.push_back(std::ssize(samples));
  const std::vector<Index> parts = proportional_parts(sizes, validation);
  auto part = parts.begin();
  std::vector<bool> chosen(labels.size());
  for (const auto& [label, samples] : classes) {
    for (Index i = 0; i < *part; ++i)
      chosen[static_cast<std::size_t>(samples[static_cast<std::size_t>(i)])] = true;
    ++part;
  }
  split.hold_out(chosen);
  return split;
}

Split Split::stratified(std::uint64_t seed, std::span<const std::int32_t> labels, const Fold& fold) {
  Split split(seed, std::ssize(labels), fold);
  std::vector<bool> chosen(labels.size());
  Index position = 0;
  for (const auto& [label, samples] : samples_by_class(split.permutation_, labels)) {
    for (const Index sample : samples) {
      chosen[static_cast<std::size_t>(sample)] = position++ % fold.count == fold.number;
    }
  }
  split.hold_out(chosen);
  return split;
}

void Split::hold_out(const std::vector<bool>& chosen) {
  first_ = 0;
  order_ = in_order_of(permutation_);
  const auto rest = std::stable_partition(
      order_.begin(), order_.end(), [&](Index sample) { return chosen[static_cast<std::size_t>(sample)]; });
  LOCKSTEP_CHECK(rest - order_.begin() == validation_);
}

Index Split::sample_at(Index position) const {
  return order_.empty() ? permutation_(position) : order_[static_cast<std::size_t>(position)];
}

Index Split::training(Index i) const {
  LOCKSTEP_CHECK(0 <= i && i < training_size());
  if (validation_ == 0) return i;
  return sample_at(i < first_ ? i : validation_ + i);
}

Index Split::validation(Index i) const {
  LOCKSTEP_CHECK(0 <= i && i < validation_);
  return sample_at(first_ + i);
}

Sampler::Sampler(std::uint64_t seed, Index size, Index batch_size)
    : seed_(seed), size_(size), batch_size_(batch_size) {
  LOCKSTEP_CHECK(1 <= batch_size && batch_size <= size);
}

Index Sampler::steps_per_epoch() const { return (size_ - 1) / batch_size_ + 1; }

GlobalBatch Sampler::batch(std::uint64_t step) const {
  const auto steps = static_cast<std::uint64_t>(steps_per_epoch());
  const Index first = static_cast<Index>(step % steps) * batch_size_;
  return {step / steps, first, std::min(batch_size_, size_ - first)};
}

void Sampler::samples(const GlobalBatch& batch, Index first, std::span<Index> samples) const {
  LOCKSTEP_CHECK(0 <= first && first + std::ssize(samples) <= batch.size);
  const Permutation permutation(seed_, Purpose::kShuffle, batch.epoch, size_);
  permutation.map(batch.first + first, samples);
}

}  // namespace lockstep
