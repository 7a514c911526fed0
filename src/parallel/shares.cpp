#include "lockstep/parallel/shares.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// The tensors of each unit.
std::vector<std::vector<ParameterTensor>> tensors_of_units(const ParameterLayout& layout) {
  std::vector<std::vector<ParameterTensor>> units;
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (units.empty() || units.back().back().unit != tensor.unit) units.emplace_back();
    units.back().push_back(tensor);
  }
  return units;
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
  for (const std::vector<ParameterTensor>& tensors : tensors_of_units(layout)) {
    std::vector<Share>& shares = buckets_.emplace_back();
    const auto bucket_begin = static_cast<Index>(pieces_.size());
    for (const ParameterTensor& tensor : tensors) {
      const auto begin = static_cast<Index>(pieces_.size());
      for (const ParameterRange& piece : lockstep::pieces_of(tensor.range)) pieces_.push_back(piece);
      if (scope != Scope::kElements)
        shares.push_back(run_of(pieces_, {begin, static_cast<Index>(pieces_.size())}, 0));
    }
    if (scope != Scope::kElements) continue;
    const Index count = static_cast<Index>(pieces_.size()) - bucket_begin;
    for (int rank = 0; rank < ranks; ++rank) {
      const Interval part = part_of(count, ranks, rank);
      if (part.size() > 0)
        shares.push_back(run_of(pieces_, {bucket_begin + part.first, bucket_begin + part.last}, rank));
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
  const auto found = std::find_if(buckets_.begin(), buckets_.end(), [&](const std::vector<Share>& bucket) {
    return bucket.front().range.offset == offset;
  });
  LOCKSTEP_CHECK(found != buckets_.end());
  return static_cast<std::size_t>(found - buckets_.begin());
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
