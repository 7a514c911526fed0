#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/parallel/shares.hpp"
#include "lockstep/parallel/topology.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A rank's parameters, which their owners change and all ranks read. The ranks of a node have one replica
/// together.
class Replica {
 public:
  virtual ~Replica() = default;

  /// All parameters. Between two calls of `publish` a rank writes only its own shares, or only reads; between
  /// `publish` and `complete` it only reads. What else is written may stay, on one node alone, for good:
  /// compressed messages have the changes of what all nodes had before.
  virtual std::span<Real> values() = 0;

  /// Makes what every rank has written of its own shares everybody's, and returns when all ranks of the node
  /// are here. Collective.
  virtual void publish() = 0;

  /// After `publish`: gives every node exactly what the owners have, where values have come rounded.
  /// Collective.
  virtual void complete() = 0;

  /// Whether all values are exactly what the owners have. Local, and the same on every rank.
  virtual bool is_complete() const = 0;

  /// Seconds that this rank has waited for others, and for the network between nodes, so far.
  virtual double seconds_waited() const = 0;
};

/// `publish` sends the values of the ranges `rounded`, in rising order, to other nodes as bfloat16; on the
/// owner's node they stay as they are. `topology` and `shares` outlive the replica. Collective.
std::unique_ptr<Replica> make_replica(const Topology& topology, const Shares& shares,
                                      const std::vector<ParameterRange>& rounded = {});

/// Fills the parts of `values`, a vector of all parameters on every rank, that other ranks own with theirs.
/// Collective.
void give_shares(Communicator& communicator, const Shares& shares, std::span<Real> values);

}  // namespace lockstep::inline LOCKSTEP_REAL
