#include "lockstep/parallel/replica.hpp"

#include <optional>
#include <vector>

#include "core/backoff.hpp"
#include "core/rank_status.hpp"
#include "lockstep/comm/node_counters.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/stopwatch.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "parallel/exchange_run.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// One vector for all ranks of a node; owners' values come to every node once.
class NodeReplica final : public Replica {
 public:
  NodeReplica(const Topology& topology, const Shares& shares, const std::vector<ParameterRange>& rounded)
      : rounds_(!rounded.empty() && !topology.is_one_node()) {
    together(topology.all(), [&] {
      counters_.emplace(topology.node(), 0);
      memory_.emplace(topology.node(), static_cast<std::size_t>(shares.parameters()) * sizeof(Real));
      expect_shared(counters_->is_shared() && memory_->is_shared());
    });
    if (topology.is_one_node()) return;
    const int nodes = topology.nodes().count();
    const std::size_t first_exchange = topology.take_exchanges(shares.buckets());
    together(topology.all(), [&] {
      for (std::size_t bucket = 0; bucket < shares.buckets(); ++bucket) {
        const Index bytes = shares.range_of(bucket).size * static_cast<Index>(sizeof(Real));
        const auto plan = [&](const std::vector<ParameterRange>& ranges, Coding coding) {
          return plan_copies(topology.nodes(), shares.of_bucket(bucket), choose_route(bytes, nodes),
                             topology.all().rank(), ranges, coding_between(topology, coding));
        };
        runs_.emplace_back(topology, first_exchange + bucket,
                           [this](const Place&) { return values().data(); });
        runs_.back().reserve(plans_.emplace_back(plan(rounded, Coding::kChanges)));
        if (rounds_) runs_.back().reserve(exact_plans_.emplace_back(plan({}, Coding::kValues)));
      }
    });
  }

  std::span<Real> values() override {
    return {reinterpret_cast<Real*>(memory_->bytes().data()), memory_->bytes().size() / sizeof(Real)};
  }

  void publish() override {
    publish_by(plans_);
    is_complete_ = !rounds_;
  }

  void complete() override {
    if (is_complete_) return;
    publish_by(exact_plans_);
    is_complete_ = true;
  }

  bool is_complete() const override { return is_complete_; }

  double seconds_waited() const override { return seconds_waited_ + counters_->seconds_waited(); }

 private:
  void publish_by(const std::vector<ExchangePlan>& plans) {
    counters_->barrier();
    if (runs_.empty()) return;
    {
      const Waiting waiting;
      Stopwatch watch;
      for (std::size_t bucket = 0; bucket < runs_.size(); ++bucket) runs_[bucket].begin(plans[bucket]);
      for (Backoff backoff; !advance();) backoff.pause();
      seconds_waited_ += watch.lap();
    }
    counters_->barrier();
  }

  bool advance() {
    bool done = true;
    for (ExchangeRun& run : runs_) done = run.advance() && done;
    return done;
  }

  std::optional<NodeCounters> counters_;
  std::optional<NodeMemory> memory_;
  bool rounds_;
  bool is_complete_ = true;
  std::vector<ExchangePlan> plans_;        // of each bucket; none on one node
  std::vector<ExchangePlan> exact_plans_;  // where those round
  std::vector<ExchangeRun> runs_;
  double seconds_waited_ = 0;
};

/// A vector of its own for every rank, which owns all of it.
class OwnReplica final : public Replica {
 public:
  explicit OwnReplica(const Shares& shares) : values_(static_cast<std::size_t>(shares.parameters())) {}

  std::span<Real> values() override { return values_; }
  void publish() override {}
  void complete() override {}
  bool is_complete() const override { return true; }
  double seconds_waited() const override { return 0; }

 private:
  std::vector<Real> values_;
};

}  // namespace

std::unique_ptr<Replica> make_replica(const Topology& topology, const Shares& shares,
                                      const std::vector<ParameterRange>& rounded) {
  if (shares.is_replicated()) return std::make_unique<OwnReplica>(shares);
  return std::make_unique<NodeReplica>(topology, shares, rounded);
}

void give_shares(Communicator& communicator, const Shares& shares, std::span<Real> values) {
  if (shares.is_replicated()) return;
  std::vector<OutgoingMessage> outgoing;
  std::vector<IncomingMessage> incoming;
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
  communicator.exchange(outgoing, incoming);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
