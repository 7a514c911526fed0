#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

/// Positions [first, last).
struct Interval {
  Index first = 0;
  Index last = 0;

  Index size() const { return last - first; }
  bool operator==(const Interval&) const = default;
};

/// Part `index` of `total` positions cut into `parts` contiguous parts, [total·i/parts, total·(i+1)/parts):
/// sizes differ by at most one, and some are empty where total < parts. The one rule for micro-batches of a
/// batch, micro-batches of a rank and slices of the gradient.
inline Interval part_of(Index total, Index parts, Index index) {
  return {total * index / parts, total * (index + 1) / parts};
}

/// Puts together what each rank has for its part of `total` positions. Collective.
template <typename Value>
std::vector<Value> gather_parts(Communicator& communicator, Index total, std::span<const Value> mine) {
  const Index ranks = communicator.size();
  const auto longest = static_cast<std::size_t>((total + ranks - 1) / ranks);
  std::vector<Value> padded(mine.begin(), mine.end());
  padded.resize(longest);
  std::vector<Value> received(longest * static_cast<std::size_t>(ranks));
  communicator.all_gather(std::as_bytes(std::span(padded)), std::as_writable_bytes(std::span(received)));

  std::vector<Value> all;
  all.reserve(static_cast<std::size_t>(total));
  for (Index rank = 0; rank < ranks; ++rank) {
    const auto first = received.begin() + static_cast<Index>(longest) * rank;
    all.insert(all.end(), first, first + part_of(total, ranks, rank).size());
  }
  return all;
}

}  // namespace lockstep
