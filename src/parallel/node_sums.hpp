#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "lockstep/comm/node_counters.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/topology.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The subtree sums of all ranks of a node, in memory that they see together, and word of which buckets of
/// them are complete.
class NodeSums {
 public:
  /// For vectors of so many parameters. Collective.
  NodeSums(const Topology& topology, Index parameters, std::size_t buckets);

  /// Takes memory for steps with this plan, unless there is enough already; what stood here is gone then.
  /// Where it can't be had, all stays as it is. Collective. Errors: not enough memory, the same on every
  /// rank.
  void reserve(const BatchPlan& plan);

  /// Begins a step. No rank of the node may be reading what stands here any more. Collective. Errors: those
  /// of reserve.
  void start(const BatchPlan& plan);

  /// The vector of the node's rank `rank` for its subtree sum number `number`.
  Real* vector(int rank, std::size_t number) const;
  /// This rank's.
  Real* own(std::size_t number) const { return vector(topology_.node().rank(), number); }

  /// This rank's sums of `bucket` are complete. Does not wait.
  void publish(std::size_t bucket) { counters_->raise(bucket, step_); }

  /// Whether those of all ranks of the node are. Does not wait.
  bool are_complete(std::size_t bucket) const;

 private:
  const Topology& topology_;
  Index parameters_;
  std::optional<NodeCounters> counters_;  // of each bucket: the last step in which it was published
  std::uint64_t step_ = 0;
  std::size_t vectors_ = 0;  // a rank
  std::unique_ptr<NodeMemory> memory_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
