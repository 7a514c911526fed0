#include <algorithm>
#include <optional>

#include "lockstep/comm/node_counters.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/error.hpp"
#include "parallel/transport.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Ranks of one node read each other's sums where they stand; numbers in shared memory say what is ready.
class NodeTransport final : public Transport {
 public:
  NodeTransport(Communicator& node, const Shares& shares)
      : node_(node), shares_(shares), counters_(node, shares.buckets()) {
    expect_shared(counters_.is_shared());
  }

  void start(const BatchPlan& plan) override {
    ++step_;
    reserve(plan);
    held_by_.clear();
    for (int rank = 0; rank < node_.size(); ++rank) held_by_.push_back(plan.subtrees_of(rank));
  }

  Real* held(std::size_t number) override { return vector(node_.rank(), number); }

  void publish(std::size_t bucket) override { counters_.raise(bucket, step_); }

  bool arrived(std::size_t bucket) override {
    for (int rank = 0; rank < node_.size(); ++rank) {
      if (!counters_.reached(rank, bucket, step_)) return false;
    }
    return true;
  }

  void wait(std::size_t bucket) override {
    for (int rank = 0; rank < node_.size(); ++rank) counters_.wait(rank, bucket, step_);
  }

  std::span<Real* const> sums(const Share& share) override {
    sums_.clear();
    for (int rank = 0; rank < node_.size(); ++rank) {
      for (std::size_t number = 0; number < held_by_[static_cast<std::size_t>(rank)]; ++number) {
        sums_.push_back(vector(rank, number) + share.range.offset);
      }
    }
    return sums_;
  }

  // Nobody but the owner of a share reads rank 0's sum of it.
  Real* result() override { return vector(0, 0); }

  double seconds_waited() const override { return counters_.seconds_waited(); }

 private:
  /// Room for the most that any rank holds.
  void reserve(const BatchPlan& plan) {
    std::size_t most = 1;
    for (int rank = 0; rank < node_.size(); ++rank) most = std::max(most, plan.subtrees_of(rank));
    if (memory_ && most <= vectors_) return;
    vectors_ = most;
    memory_.reset();
    memory_.emplace(node_,
                    vectors_ * static_cast<std::size_t>(node_.size() * shares_.parameters()) * sizeof(Real));
    expect_shared(memory_->is_shared());
  }

  Real* vector(int rank, std::size_t number) {
    const std::size_t before = static_cast<std::size_t>(rank) * vectors_ + number;
    return reinterpret_cast<Real*>(memory_->bytes().data()) +
           before * static_cast<std::size_t>(shares_.parameters());
  }

  Communicator& node_;
  const Shares& shares_;
  NodeCounters counters_;  // of each bucket: the last step in which it was published
  std::uint64_t step_ = 0;
  std::size_t vectors_ = 0;  // a rank
  std::optional<NodeMemory> memory_;
  std::vector<std::size_t> held_by_;
  std::vector<Real*> sums_;
};

}  // namespace

bool shares_memory(Exchange exchange, Communicator& communicator) {
  if (exchange == Exchange::kMessages) return false;
  const std::unique_ptr<Communicator> node = communicator.split_by_node();
  return node->size() == communicator.size() && NodeMemory(*node, 1).is_shared();
}

void expect_shared(bool shared) {
  if (shared) return;
  fail_input("the ranks of this node can no longer share memory; set `exchange` = messages (same bits)");
}

std::unique_ptr<Transport> make_node_transport(Communicator& node, const Shares& shares) {
  return std::make_unique<NodeTransport>(node, shares);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
