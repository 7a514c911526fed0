#pragma once

#include <algorithm>
#include <vector>

#include "lockstep/parallel/topology.hpp"

namespace lockstep::test {

/// Instead of a number of ranks a node: the node that there is.
constexpr int kAllRanks = 0;

/// The ranks of this machine as if every node had so many of them, the last one what is left. Collective.
inline Topology make_topology(Communicator& communicator, int ranks_a_node,
                              Compression compression = Compression::kOff) {
  if (ranks_a_node == kAllRanks) return Topology(communicator);
  std::vector<int> sizes;
  for (int left = communicator.size(); left > 0; left -= ranks_a_node)
    sizes.push_back(std::min(left, ranks_a_node));
  return {communicator, Nodes(sizes), compression};
}

}  // namespace lockstep::test
