#pragma once

#include <cstddef>
#include <vector>

#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/nodes.hpp"
#include "lockstep/parallel/shares.hpp"
#include "parallel/compression.hpp"

namespace lockstep {

/// What one rank does, and in which order, so that the sums of a bucket's gradient reach the owners, or the
/// owners' parameters reach all nodes. Plain data, and a pure function of who has what: every rank makes its
/// own, and they fit each other.

/// Values of a vector in the memory of this rank's node, number `vector` of its rank `rank`, from parameter
/// `offset` on; or, with rank kReceived, of what this rank has received, from position `offset` on.
struct Place {
  static constexpr int kReceived = -1;
  int rank = kReceived;
  int vector = 0;
  Index offset = 0;

  bool operator==(const Place&) const = default;
};

struct PlacedRun {
  Place place;
  Index size = 0;
  bool is_bfloat16 = false;  ///< in the message; rounded to that where it isn't yet
  Coding coding = Coding::kNone;

  bool operator==(const PlacedRun&) const = default;
};

/// `sum` += `term`.
struct Addition {
  Place sum;
  Place term;
  bool is_rounded = false;  ///< the sum, to bfloat16
};

/// Additions of `size` values each, in their order.
struct PlacedSum {
  Index size = 0;
  std::vector<Addition> additions;
};

/// One message: the runs one after another.
struct PlannedMessage {
  int peer = 0;
  std::vector<PlacedRun> runs;
};

/// First the sums; then the messages, none of which waits for another.
struct ExchangeRound {
  std::vector<PlacedSum> sums;
  std::vector<PlannedMessage> outgoing, incoming;
};

/// Where a share that this rank owns has its total, after the last additions, of which the last one makes it.
struct ShareTotal {
  Place place;
  PlacedSum last;
};

struct ExchangePlan {
  std::vector<ExchangeRound> rounds;  ///< each once the one before is done
  std::vector<ShareTotal> totals;     ///< of the bucket's shares that this rank owns, in their order
  Index received = 0;                 ///< room for what is received
  /// Of the node's vector: what this rank sends, its own and what it passes on, if as kChanges.
  std::vector<ParameterRange> sent;
};

/// How sums travel between nodes. kDirect: each node sends what it has of a share to the owner, each
/// beginning with another owner, so that no receiver is flooded: H - 1 messages a rank for H nodes. kTree:
/// sums are added on their way, along the reduction tree, so that for H = 2^k a rank sends k messages, and as
/// many bytes (recursive halving that begins with the neighbour; Thakur, Rabenseifner, Gropp: Optimization of
/// collective communication operations in MPICH, 2005). The bits are the same.
enum class Route { kDirect, kTree };

/// The faster one for a bucket of `bytes` over `nodes` nodes: messages cost time, and the more where several
/// nodes send to one at once; so do the copies by which kTree makes several shares one message, and what it
/// sends twice where the nodes are no power of two.
Route choose_route(Index bytes, int nodes);

/// How the subtree sums of all ranks, each in the ranks' vectors by number, become the totals of the bucket's
/// shares at their owners. Ranks of a node add theirs first, in place, so that what crosses the network are
/// the sums of the subtrees that lie wholly inside a node. All values of the `rounded_levels` levels right
/// below the tree's root are bfloat16, and travel as such; the ranks' own are so already. Messages have
/// `coding`, which is kNone or kValues.
ExchangePlan plan_sums(const BatchPlan& batch, const Nodes& nodes, const std::vector<Share>& bucket,
                       Route route, int rank, int rounded_levels = 0, Coding coding = Coding::kNone);

/// How the owners' values of a bucket reach every node's vector, which is number 0 of the node's rank 0;
/// those of the ranges `rounded`, in rising order, as bfloat16. With kChanges, messages have the changes of
/// what the last exchange has sent, or of zeros at first: all nodes still have that, but for its owner those
/// of `rounded` maybe exactly, since both sides round what they have before they take the difference.
ExchangePlan plan_copies(const Nodes& nodes, const std::vector<Share>& bucket, Route route, int rank,
                         const std::vector<ParameterRange>& rounded = {}, Coding coding = Coding::kNone);

}  // namespace lockstep
