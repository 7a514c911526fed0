#include "lockstep/data/sampler.hpp"

#include <algorithm>
#include <cstdlib>
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

/// The samples of each group.
std::vector<Index> sizes_of(std::span<const std::int32_t> groups) {
  std::vector<Index> sizes;
  for (const std::int32_t group : groups) {
    const auto at = static_cast<std::size_t>(group);
    if (at >= sizes.size()) sizes.resize(at + 1);
    ++sizes[at];
  }
  return sizes;
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

Split Split::grouped(std::uint64_t seed, std::span<const std::int32_t> groups, Index validation) {
  LOCKSTEP_CHECK(0 < validation && validation < std::ssize(groups));
  const std::vector<Index> sizes = sizes_of(groups);
  LOCKSTEP_CHECK(sizes.size() >= 2);
  std::vector<bool> chosen(sizes.size());
  Index held_out = 0;
  std::size_t left = sizes.size();
  for (const Index group : in_order_of(Permutation(seed, Purpose::kSplit, 0, std::ssize(sizes)))) {
    const Index with_it = held_out + sizes[static_cast<std::size_t>(group)];
    const bool is_nearer = std::abs(with_it - validation) < std::abs(held_out - validation);
    if (left == 1 || (held_out > 0 && !is_nearer)) break;
    chosen[static_cast<std::size_t>(group)] = true;
    held_out = with_it;
    --left;
  }
  return grouped(seed, groups, chosen);
}

Split Split::grouped(std::uint64_t seed, std::span<const std::int32_t> groups, const Fold& fold) {
  const std::vector<Index> sizes = sizes_of(groups);
  LOCKSTEP_CHECK(0 <= fold.number && fold.number < fold.count && 2 <= fold.count &&
                 fold.count <= std::ssize(sizes));
  std::vector<Index> order = in_order_of(Permutation(seed, Purpose::kSplit, 0, std::ssize(sizes)));
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](Index group) { return sizes[static_cast<std::size_t>(group)]; });
  std::vector<Index> folds(static_cast<std::size_t>(fold.count));
  std::vector<bool> chosen(sizes.size());
  for (const Index group : order) {
    const auto lightest = std::ranges::min_element(folds);
    *lightest += sizes[static_cast<std::size_t>(group)];
    chosen[static_cast<std::size_t>(group)] = lightest - folds.begin() == fold.number;
  }
  return grouped(seed, groups, chosen);
}

/// `chosen`: by group.
Split Split::grouped(std::uint64_t seed, std::span<const std::int32_t> groups,
                     const std::vector<bool>& chosen) {
  std::vector<bool> samples;
  samples.reserve(groups.size());
  for (const std::int32_t group : groups) samples.push_back(chosen[static_cast<std::size_t>(group)]);
  Split split(seed, std::ssize(groups), 0);
  split.hold_out(samples);
  return split;
}

void Split::hold_out(const std::vector<bool>& chosen) {
  first_ = 0;
  order_ = in_order_of(permutation_);
  const auto rest = std::stable_partition(
      order_.begin(), order_.end(), [&](Index sample) { return chosen[static_cast<std::size_t>(sample)]; });
  validation_ = rest - order_.begin();
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
