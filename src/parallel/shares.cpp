#include "lockstep/parallel/shares.hpp"

#include <algorithm>
#include <utility>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// Buckets of fewer values are joined to the bucket before them, whose gradient is ready next.
constexpr Index kSmallBucket = 32768;

struct BucketTensors {
  std::vector<ParameterTensor> tensors;
  std::size_t units = 1;
};

Index size_of_tensors(const std::vector<ParameterTensor>& tensors) {
  const ParameterRange last = tensors.back().range;
  return last.offset + last.size - tensors.front().range.offset;
}

/// The tensors of each bucket. Gradients become ready from the last unit to the first: a bucket is complete
/// as soon as it is large enough.
std::vector<BucketTensors> plan_buckets(const ParameterLayout& layout) {
  std::vector<BucketTensors> units;
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (units.empty() || units.back().tensors.back().unit != tensor.unit) units.emplace_back();
    units.back().tensors.push_back(tensor);
  }
  std::vector<BucketTensors> buckets;  // from the last
  std::ranges::reverse(units);
  for (BucketTensors& unit : units) {
    if (buckets.empty() || size_of_tensors(buckets.back().tensors) >= kSmallBucket) {
      buckets.push_back(std::move(unit));
      continue;
    }
    BucketTensors& bucket = buckets.back();
    bucket.tensors.insert(bucket.tensors.begin(), unit.tensors.begin(), unit.tensors.end());
    ++bucket.units;
  }
  std::ranges::reverse(buckets);
  return buckets;
}

/// The pieces [part.first, part.last) as one share.
Share run_of(const std::vector<ParameterRange>& pieces, Interval part, int owner) {
  const Index first = pieces[static_cast<std::size_t>(part.first)].offset;
  const ParameterRange& last = pieces[static_cast<std::size_t>(part.last - 1)];
  return {.range = {first, last.offset + last.size - first}, .pieces = part, .owner = owner};
}

/// Largest tensors first, each to the rank that owns least so far.
void assign_tensors(std::vector<std::vector<Share>>& buckets, int ranks) {
  std::vector<Share*> all;
  for (std::vector<Share>& bucket : buckets) {
    for (Share& share : bucket) all.push_back(&share);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Share* a, const Share* b) { return a->range.size > b->range.size; });
  std::vector<Index> owned(static_cast<std::size_t>(ranks));
  for (Share* const share : all) {
    const auto least = std::min_element(owned.begin(), owned.end());
    share->owner = static_cast<int>(least - owned.begin());
    *least += share->range.size;
  }
}

}  // namespace

Shares::Shares(const ParameterLayout& layout, Scope scope, int ranks)
    : ranks_(ranks), parameters_(layout.size()) {
  for (const auto& [tensors, units] : plan_buckets(layout)) {
    units_.push_back(units);
    std::vector<Share>& shares = buckets_.emplace_back();
    const auto bucket_begin = static_cast<Index>(pieces_.size());
    for (const ParameterTensor& tensor : tensors) {
      const auto begin = static_cast<Index>(pieces_.size());
      for (const ParameterRange& piece : lockstep::pieces_of(tensor.range)) pieces_.push_back(piece);
      if (scope != Scope::kElements)
        shares.push_back(run_of(pieces_, {begin, static_cast<Index>(pieces_.size())}, 0));
    }
    if (scope != Scope::kElements) continue;
    Interval part{bucket_begin, bucket_begin};
    for (int rank = 0; rank < ranks; ++rank) {
      const Index end = pieces_[static_cast<std::size_t>(bucket_begin)].offset +
                        part_of(size_of_tensors(tensors), ranks, rank).last;
      while (part.last < std::ssize(pieces_) && pieces_[static_cast<std::size_t>(part.last)].offset < end)
        ++part.last;
      if (part.size() > 0) shares.push_back(run_of(pieces_, part, rank));
      part.first = part.last;
    }
  }
  if (scope == Scope::kTensor) assign_tensors(buckets_, ranks);
  std::vector<Index> owned(static_cast<std::size_t>(ranks));
  for (std::vector<Share>& bucket : buckets_) {
    for (Share& share : bucket) {
      Index& position = owned[static_cast<std::size_t>(share.owner)];
      share.position = position;
      position += share.range.size;
    }
  }
}

Shares Shares::replicated(const ParameterLayout& layout, int ranks) {
  Shares shares(layout, Scope::kModel, ranks);
  shares.replicated_ = true;
  return shares;
}

std::size_t Shares::bucket_at(Index offset) const {
  const auto next = std::ranges::upper_bound(
      buckets_, offset, {}, [](const std::vector<Share>& bucket) { return bucket.front().range.offset; });
  LOCKSTEP_CHECK(next != buckets_.begin());
  return static_cast<std::size_t>(next - buckets_.begin()) - 1;
}

ParameterRange Shares::range_of(std::size_t bucket) const {
  const Index first = buckets_[bucket].front().range.offset;
  const ParameterRange& last = buckets_[bucket].back().range;
  return {first, last.offset + last.size - first};
}

std::vector<Share> Shares::owned_by(int rank) const {
  std::vector<Share> owned;
  for (const std::vector<Share>& bucket : buckets_) {
    for (const Share& share : bucket) {
      if (replicated_ || share.owner == rank) owned.push_back(share);
    }
  }
  return owned;
}

Index Shares::size_of(int rank) const {
  Index size = 0;
  for (const Share& share : owned_by(rank)) size += share.range.size;
  return size;
}

Index Shares::pieces_of(int rank) const {
  Index pieces = 0;
  for (const Share& share : owned_by(rank)) pieces += share.pieces.size();
  return pieces;
}

}  // namespace lockstep
