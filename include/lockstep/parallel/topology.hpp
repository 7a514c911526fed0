#pragma once

#include <cstddef>
#include <memory>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/exchange.hpp"
#include "lockstep/parallel/nodes.hpp"

namespace lockstep {

/// To other nodes.
struct SentBytes {
  std::size_t sent = 0;
  std::size_t uncompressed = 0;  ///< that the same would have been without compression
};

/// The ranks of a training, and which of them exchange through memory that they see together: those of a
/// node, or, where messages are asked for or the system lets processes share nothing, each rank alone. Also
/// how messages go between nodes.
class Topology {
 public:
  /// `communicator` outlives the topology. Collective.
  explicit Topology(Communicator& communicator, Exchange exchange = Exchange::kAuto,
                    Compression compression = Compression::kOff);

  /// Nodes as the caller says, whose ranks can share memory. Collective.
  Topology(Communicator& communicator, Nodes nodes, Compression compression = Compression::kOff);

  Communicator& all() const { return all_; }
  /// The ranks of this rank's node.
  Communicator& node() const { return *node_; }
  const Nodes& nodes() const { return nodes_; }
  int own_node() const { return nodes_.node_of(all_.rank()); }
  bool is_one_node() const { return nodes_.count() == 1; }
  /// Whether gradients and parameters are compressed between nodes.
  bool compresses() const { return compresses_; }

  /// What this rank has sent of gradients and parameters so far, as its exchanges count it. Local.
  SentBytes& sent() const { return sent_; }

  /// The first of `count` numbers of exchanges (Communicator::begin_exchange) that nobody else with this
  /// topology has. All ranks call this in the same order. Local.
  std::size_t take_exchanges(std::size_t count) const;

 private:
  Communicator& all_;
  Nodes nodes_;
  std::unique_ptr<Communicator> node_;
  bool compresses_;
  mutable SentBytes sent_;
  mutable std::size_t next_exchange_ = 1;  // number 0 is for exchanges that begin and end in one call
};

/// Errors: memory that was to be `shared` by the ranks of a node is not, though it could be when their
/// topology was made. The same on all ranks of the node.
void expect_shared(bool shared);

}  // namespace lockstep
