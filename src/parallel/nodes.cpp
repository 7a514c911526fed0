#include "lockstep/parallel/nodes.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"
#include "lockstep/parallel/reduction_tree.hpp"

namespace lockstep {

Nodes::Nodes(const std::vector<int>& sizes) {
  LOCKSTEP_CHECK(!sizes.empty());
  for (const int size : sizes) {
    LOCKSTEP_CHECK(size >= 1);
    const auto first = static_cast<Index>(node_of_.size());
    node_of_.insert(node_of_.end(), static_cast<std::size_t>(size), static_cast<int>(ranks_.size()));
    ranks_.push_back({first, first + size});
  }
}

Index Nodes::most_ranks() const {
  return std::ranges::max(ranks_, {}, [](const Interval& ranks) { return ranks.size(); }).size();
}

int Nodes::handler(int owner, int node) const {
  const Interval owners = ranks_of(node_of(owner));
  const Interval handlers = ranks_of(node);
  return static_cast<int>(handlers.first + (owner - owners.first) * handlers.size() / owners.size());
}

namespace {

/// The sums that `node` has to send.
std::vector<Interval> sums_of(Index micro_batches, const Nodes& nodes, int node) {
  const Interval ranks = nodes.ranks_of(node);
  return complete_subtrees(micro_batches, {part_of(micro_batches, nodes.ranks(), ranks.first).first,
                                           part_of(micro_batches, nodes.ranks(), ranks.last - 1).last});
}

}  // namespace

Index sums_between(Index micro_batches, const Nodes& nodes) {
  Index most = 1;
  for (int node = 0; node < nodes.count(); ++node)
    most = std::max(most, std::ssize(sums_of(micro_batches, nodes, node)));
  return most;
}

int levels_between(Index micro_batches, const Nodes& nodes) {
  int most = 0;
  for (int node = 0; node < nodes.count(); ++node) {
    for (const Interval& sum : sums_of(micro_batches, nodes, node))
      most = std::max(most, level_of(micro_batches, sum));
  }
  return most;
}

std::optional<Index> nearest_with_one_sum(Index micro_batches, const Nodes& nodes) {
  for (Index distance = 0; distance <= micro_batches; ++distance) {
    for (const Index candidate : {micro_batches + distance, micro_batches - distance}) {
      if (candidate > 0 && candidate % nodes.ranks() == 0 && sums_between(candidate, nodes) == 1)
        return candidate;
    }
  }
  return std::nullopt;
}

}  // namespace lockstep
