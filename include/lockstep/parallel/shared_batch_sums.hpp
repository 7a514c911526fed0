#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "lockstep/comm/node_counters.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/nn/batch_sums.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/topology.hpp"

namespace lockstep {

/// BatchSums of a training. Each rank writes the sums of its complete subtrees where its node sees them, the
/// first ranks of the nodes bring them to each other, and every rank takes the last sums of the tree itself.
/// For each value that is summed, a node sends 8 bytes for each subtree of its ranks to every other node.
class SharedBatchSums final : public BatchSums {
 public:
  /// `topology` outlives it. Collective.
  explicit SharedBatchSums(const Topology& topology);

  /// Whether there is memory for steps with this plan, which it takes. Collective.
  bool has_room(const BatchPlan& plan);

  /// Begins a step of this plan, which outlives it. Local.
  void start(const BatchPlan& plan);

  Index samples() const override { return plan_->batch_size(); }
  /// Errors: not enough memory, the same on every rank.
  void add_up(const WriteSums& write, std::span<double> totals) override;

  /// Seconds that this rank has waited for others and their messages since the last call. Local.
  double take_seconds_waited() { return std::exchange(seconds_waited_, 0); }

 private:
  void reserve(std::size_t values);
  std::span<double> sums_of_node(int node) const;
  double* sums_of(int rank) const;
  double* on_stack(std::size_t place) { return stack_.data() + place * values_; }
  void push(std::size_t depth);
  void merge(std::size_t depth);
  void write_own(const WriteSums& write);
  void wait_for_others();
  void add_last(std::span<double> totals);

  const Topology& topology_;
  std::unique_ptr<Communicator> leaders_;  // on the first rank of each node: all of those
  std::optional<NodeCounters> counters_;
  int most_ranks_ = 0;  // of a node
  const BatchPlan* plan_ = nullptr;
  std::size_t subtrees_ = 0;            // of the rank that holds most in this step
  std::size_t values_ = 0;              // of the sums that are under way
  std::size_t most_values_ = 0;         // of any sums so far
  std::size_t room_ = 0;                // in values of a rank
  std::unique_ptr<NodeMemory> memory_;  // [2 x nodes x most_ranks_ x room_], the halves in turn
  std::uint64_t calls_ = 0;
  std::vector<double> outgoing_;
  std::vector<double> stack_;  // of the tree, [depth x values_]
  double seconds_waited_ = 0;
};

}  // namespace lockstep
