#include "lockstep/parallel/replica.hpp"

#include <vector>

#include "lockstep/comm/node_counters.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/stopwatch.hpp"
#include "parallel/transport.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// One vector for all ranks of a node.
class NodeReplica final : public Replica {
 public:
  NodeReplica(Communicator& node, const Shares& shares)
      : counters_(node, 0), memory_(node, static_cast<std::size_t>(shares.parameters()) * sizeof(Real)) {
    expect_shared(counters_.is_shared() && memory_.is_shared());
  }

  std::span<Real> values() override {
    return {reinterpret_cast<Real*>(memory_.bytes().data()), memory_.bytes().size() / sizeof(Real)};
  }
  void publish() override { counters_.barrier(); }
  double seconds_waited() const override { return counters_.seconds_waited(); }

 private:
  NodeCounters counters_;
  NodeMemory memory_;
};

/// The messages by which owners give their shares of `values`.
struct ShareMessages {
  ShareMessages(Communicator& communicator, const Shares& shares, std::span<Real> values) {
    if (shares.is_replicated()) return;
    for (std::size_t bucket = 0; bucket < shares.buckets(); ++bucket) {
      for (const Share& share : shares.of_bucket(bucket)) {
        const std::span<Real> part = values.subspan(static_cast<std::size_t>(share.range.offset),
                                                    static_cast<std::size_t>(share.range.size));
        if (share.owner != communicator.rank()) {
          incoming.push_back({share.owner, std::as_writable_bytes(part)});
          continue;
        }
        for (int rank = 0; rank < communicator.size(); ++rank) {
          if (rank != share.owner) outgoing.push_back({rank, std::as_bytes(part)});
        }
      }
    }
  }

  std::vector<OutgoingMessage> outgoing;
  std::vector<IncomingMessage> incoming;
};

/// A vector for each rank; owners send their shares.
class OwnReplica final : public Replica {
 public:
  OwnReplica(Communicator& communicator, const Shares& shares)
      : communicator_(communicator),
        values_(static_cast<std::size_t>(shares.parameters())),
        messages_(communicator, shares, values_) {}

  std::span<Real> values() override { return values_; }
  void publish() override {
    Stopwatch watch;
    communicator_.exchange(messages_.outgoing, messages_.incoming);
    seconds_waited_ += watch.lap();
  }
  double seconds_waited() const override { return seconds_waited_; }

 private:
  Communicator& communicator_;
  std::vector<Real> values_;
  ShareMessages messages_;
  double seconds_waited_ = 0;
};

}  // namespace

std::unique_ptr<Replica> make_replica(Communicator& communicator, const Shares& shares, Exchange exchange) {
  if (!shares.is_replicated() && shares_memory(exchange, communicator)) {
    return std::make_unique<NodeReplica>(communicator, shares);
  }
  return std::make_unique<OwnReplica>(communicator, shares);
}

void give_shares(Communicator& communicator, const Shares& shares, std::span<Real> values) {
  const ShareMessages messages(communicator, shares, values);
  communicator.exchange(messages.outgoing, messages.incoming);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
