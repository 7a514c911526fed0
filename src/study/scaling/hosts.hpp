#pragma once

#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/nodes.hpp"

namespace lockstep {

/// Where the ranks of a study are. Nodes that are one machine, such as network namespaces and containers,
/// share its cores.
struct Hosts {
  std::vector<int> sizes;     ///< ranks of each node, in the order of the ranks
  std::vector<int> machines;  ///< the number of each node's machine
  int cores = 1;              ///< of the machine that has fewest

  int count() const { return static_cast<int>(sizes.size()); }
  Index ranks() const;
  /// The ranks of the node that has most.
  Index largest() const;
  /// The first `ranks` ranks on their nodes.
  Nodes first(Index ranks) const;
  /// How many of them, with so many threads each, are on a core of the machine that has most; at least 1.
  double crowd(Index ranks, Index threads) const;
};

/// Those of `world`. Collective.
Hosts find_hosts(Communicator& world);

/// What a message between two nodes takes.
struct MessageTime {
  double seconds = 0;
  double work = 0;  ///< CPU seconds of the process on either side, which looks for it once a millisecond
};

/// Of messages of `bytes` bytes that the first ranks of the first two nodes give each other, both at once:
/// medians of several. Nothing on other ranks than the first; `hosts` are at least two nodes. Collective.
MessageTime time_message(Communicator& world, const Hosts& hosts, std::size_t bytes);

}  // namespace lockstep
