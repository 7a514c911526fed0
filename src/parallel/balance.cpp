#include "lockstep/parallel/balance.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace lockstep {

namespace {

/// Steps between decisions: short waits for the disk and the like are no reason to move anything.
constexpr int kSteps = 16;

/// What a change has to save, as a part of the time.
constexpr double kWorthwhile = 0.1;

/// `total` micro-batches over ranks that take `seconds` for each of theirs: one for everybody, and then each
/// to whoever will be done with it first, or has fewer.
std::vector<Index> shared_out(Index total, std::span<const double> seconds) {
  std::vector<Index> counts(seconds.size(), 1);
  for (Index given = std::ssize(counts); given < total; ++given) {
    std::size_t first = 0;
    const auto done = [&](std::size_t i) { return static_cast<double>(counts[i] + 1) * seconds[i]; };
    for (std::size_t i = 1; i < counts.size(); ++i) {
      if (std::pair(done(i), counts[i]) < std::pair(done(first), counts[first])) first = i;
    }
    ++counts[first];
  }
  return counts;
}

}  // namespace

std::vector<Interval> balanced(const std::vector<Interval>& owned, std::span<const double> seconds,
                               const Nodes& nodes) {
  std::vector<Interval> result = owned;
  for (int node = 0; node < nodes.count(); ++node) {
    const Interval ranks = nodes.ranks_of(node);
    const auto first = static_cast<std::size_t>(ranks.first);
    std::vector<double> each;  // seconds of a micro-batch
    double longest = 0;
    for (std::size_t rank = first; rank < static_cast<std::size_t>(ranks.last); ++rank) {
      each.push_back(seconds[rank] / static_cast<double>(owned[rank].size()));
      longest = std::max(longest, seconds[rank]);
    }
    Index begin = owned[first].first;
    const std::vector<Index> counts =
        shared_out(owned[static_cast<std::size_t>(ranks.last - 1)].last - begin, each);
    double expected = 0;
    for (std::size_t i = 0; i < counts.size(); ++i)
      expected = std::max(expected, static_cast<double>(counts[i]) * each[i]);
    if (expected > (1 - kWorthwhile) * longest) continue;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      result[first + i] = {begin, begin + counts[i]};
      begin += counts[i];
    }
  }
  return result;
}

Balance::Balance(Index micro_batches, const Nodes& nodes)
    : nodes_(nodes),
      owned_(parts_of(micro_batches, nodes.ranks())),
      seconds_(static_cast<std::size_t>(nodes.ranks())) {}

bool Balance::add(std::span<const double> seconds) {
  for (std::size_t rank = 0; rank < seconds_.size(); ++rank) seconds_[rank] += seconds[rank];
  if (++steps_ < kSteps || is_stopped_) return false;
  std::vector<Interval> next = balanced(owned_, seconds_, nodes_);
  steps_ = 0;
  std::ranges::fill(seconds_, 0);
  if (next == owned_) return false;
  owned_ = std::move(next);
  return true;
}

void Balance::stop() {
  owned_ = parts_of(owned_.back().last, nodes_.ranks());
  is_stopped_ = true;
}

}  // namespace lockstep
