#pragma once

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

  Interval ranks_of(int node) const { return ranks_[static_cast<std::size_t>(node)]; }
  int node_of(int rank) const { return node_of_[static_cast<std::size_t>(rank)]; }

  /// The rank of `node` that handles what `owner` owns: sends its node's sums of it, takes its values in. On
  /// the owner's node that is the owner. A node's ranks share the work as evenly as the owner's do.
  int handler(int owner, int node) const;

 private:
  std::vector<Interval> ranks_;  // of each node
  std::vector<int> node_of_;     // each rank
};

}  // namespace lockstep
