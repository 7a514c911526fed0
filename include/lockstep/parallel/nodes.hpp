#pragma once

#include <optional>
#include <vector>

#include "lockstep/parallel/partition.hpp"

namespace lockstep {

/// How the ranks of a group stand on nodes. A node's ranks are neighbours, so that each node computes
/// neighbouring micro-batches.
class Nodes {
 public:
  /// Node i has sizes[i] >= 1 ranks.
  explicit Nodes(const std::vector<int>& sizes);

  int count() const { return static_cast<int>(ranks_.size()); }
  int ranks() const { return static_cast<int>(node_of_.size()); }

  /// Of the node that has most.
  Index most_ranks() const;
  Interval ranks_of(int node) const { return ranks_[static_cast<std::size_t>(node)]; }
  int node_of(int rank) const { return node_of_[static_cast<std::size_t>(rank)]; }

  /// The rank of `node` that handles what `owner` owns: sends its node's sums of it, takes its values in. On
  /// the owner's node that is the owner. A node's ranks share this work as evenly as the owners share theirs.
  int handler(int owner, int node) const;

 private:
  std::vector<Interval> ranks_;  // of each node
  std::vector<int> node_of_;     // each rank
};

/// How many sums the node with most of them sends between nodes for each parameter: the complete subtrees of
/// its micro-batches, where 1 is the least. 1 on one node, where nothing is sent.
Index sums_between(Index micro_batches, const Nodes& nodes);

/// How many levels below the root of the tree the lowest of the sums stands that a node sends.
int levels_between(Index micro_batches, const Nodes& nodes);

/// The number of micro-batches nearest to `micro_batches`, and at most twice as many, of which all ranks have
/// equally many and every node sends one sum; none where there is no such number.
std::optional<Index> nearest_with_one_sum(Index micro_batches, const Nodes& nodes);

}  // namespace lockstep
