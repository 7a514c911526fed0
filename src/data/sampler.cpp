#include "lockstep/data/sampler.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"

namespace lockstep {

Split::Split(std::uint64_t seed, Index size, Index validation)
    : permutation_(seed, Purpose::kSplit, 0, size), size_(size), validation_(validation) {
  LOCKSTEP_CHECK(0 <= validation && validation < size);
}

Index Split::training(Index i) const {
  LOCKSTEP_CHECK(0 <= i && i < training_size());
  return validation_ == 0 ? i : permutation_(validation_ + i);
}

Index Split::validation(Index i) const {
  LOCKSTEP_CHECK(0 <= i && i < validation_);
  return permutation_(i);
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
