#include "lockstep/parallel/topology.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "parallel/compression_trial.hpp"

namespace lockstep {

namespace {

/// Collective.
Nodes find_nodes(Communicator& communicator, Exchange exchange) {
  int first = communicator.rank();  // of those that share memory with this rank
  if (exchange == Exchange::kAuto) {
    const std::unique_ptr<Communicator> node = communicator.split_by_node();
    bool is_shared = false;
    together(communicator, [&] { is_shared = NodeMemory(*node, 1).is_shared(); });
    if (is_shared) first = all_gather(*node, first).front();
  }
  const std::vector<int> firsts = all_gather(communicator, first);
  LOCKSTEP_CHECK(std::is_sorted(firsts.begin(), firsts.end()));
  std::vector<int> sizes;
  for (std::size_t rank = 0; rank < firsts.size(); ++rank) {
    if (rank == 0 || firsts[rank] != firsts[rank - 1]) sizes.push_back(0);
    ++sizes.back();
  }
  return Nodes(sizes);
}

/// Collective.
bool settle(Compression compression, Communicator& communicator, const Nodes& nodes) {
  if (compression != Compression::kAuto) return compression == Compression::kOn;
  return nodes.count() > 1 && compression_pays(communicator, nodes);
}

}  // namespace

Topology::Topology(Communicator& communicator, Exchange exchange, Compression compression)
    : Topology(communicator, find_nodes(communicator, exchange), compression) {}

Topology::Topology(Communicator& communicator, Nodes nodes, Compression compression)
    : all_(communicator),
      nodes_(std::move(nodes)),
      node_(communicator.split(own_node())),
      compresses_(settle(compression, communicator, nodes_)) {
  LOCKSTEP_CHECK(nodes_.ranks() == communicator.size());
}

std::size_t Topology::take_exchanges(std::size_t count) const {
  return std::exchange(next_exchange_, next_exchange_ + count);
}

void expect_shared(bool shared) {
  if (shared) return;
  fail_input("the ranks of this node can no longer share memory; set `exchange` = messages (same bits)");
}

}  // namespace lockstep
