#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
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
  auto operator<=>(const Interval&) const = default;
};

/// Part `index` of `total` positions cut into `parts` contiguous parts, [total·i/parts, total·(i+1)/parts):
/// sizes differ by at most one, and some are empty where total < parts. The one rule for micro-batches of a
/// batch, micro-batches of a rank and slices of the gradient.
inline Interval part_of(Index total, Index parts, Index index) {
  return {total * index / parts, total * (index + 1) / parts};
}

/// All of them.
inline std::vector<Interval> parts_of(Index total, Index parts) {
  std::vector<Interval> all;
  for (Index index = 0; index < parts; ++index) all.push_back(part_of(total, parts, index));
  return all;
}

/// Puts together what each rank has for its one of `parts`. Collective.
template <typename Value>
std::vector<Value> gather_parts(Communicator& communicator, std::span<const Interval> parts,
                                std::span<const Value> mine) {
  const auto longest =
      static_cast<std::size_t>(std::ranges::max(parts, {}, [](Interval part) { return part.size(); }).size());
  std::vector<Value> padded(mine.begin(), mine.end());
  padded.resize(longest);
  std::vector<Value> received(longest * parts.size());
  communicator.all_gather(std::as_bytes(std::span(padded)), std::as_writable_bytes(std::span(received)));

  std::vector<Value> all;
  auto first = received.begin();
  for (const Interval part : parts) {
    all.insert(all.end(), first, first + part.size());
    first += static_cast<Index>(longest);
  }
  return all;
}

}  // namespace lockstep
