#include "parallel/node_sums.hpp"

#include <algorithm>
#include <utility>

#include "lockstep/parallel/agreement.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

NodeSums::NodeSums(const Topology& topology, Index parameters, std::size_t buckets)
    : topology_(topology), parameters_(parameters) {
  together(topology.all(), [&] {
    counters_.emplace(topology.node(), buckets);
    expect_shared(counters_->is_shared());
  });
}

void NodeSums::start(const BatchPlan& plan) {
  ++step_;
  reserve(plan);
}

void NodeSums::reserve(const BatchPlan& plan) {
  // Room for the most that any rank holds, so that all ranks decide alike.
  std::size_t most = 1;
  for (Index rank = 0; rank < plan.ranks(); ++rank) most = std::max(most, plan.subtrees_of(rank));
  if (most <= vectors_) return;
  std::unique_ptr<NodeMemory> memory;
  together(topology_.all(), [&] {
    const auto values = static_cast<std::size_t>(topology_.node().size() * parameters_) * most;
    memory = std::make_unique<NodeMemory>(topology_.node(), values * sizeof(Real));
    expect_shared(memory->is_shared());
  });
  memory_ = std::move(memory);
  vectors_ = most;
}

Real* NodeSums::vector(int rank, std::size_t number) const {
  const std::size_t before = static_cast<std::size_t>(rank) * vectors_ + number;
  return reinterpret_cast<Real*>(memory_->bytes().data()) + before * static_cast<std::size_t>(parameters_);
}

bool NodeSums::are_complete(std::size_t bucket) const {
  for (int rank = 0; rank < topology_.node().size(); ++rank) {
    if (!counters_->reached(rank, bucket, step_)) return false;
  }
  return true;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
