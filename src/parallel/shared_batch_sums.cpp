#include "lockstep/parallel/shared_batch_sums.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"
#include "lockstep/core/stopwatch.hpp"
#include "lockstep/parallel/agreement.hpp"

namespace lockstep {

namespace {

// What a rank tells the others of its node by its counters: the last sums of its own that are written, and,
// as the node's first rank, the last that have come from all nodes.
constexpr std::size_t kOwn = 0;
constexpr std::size_t kAll = 1;

/// That a rank holds.
std::size_t most_subtrees(const BatchPlan& plan) {
  std::size_t most = 1;
  for (Index rank = 0; rank < plan.ranks(); ++rank) most = std::max(most, plan.subtrees_of(rank));
  return most;
}

}  // namespace

SharedBatchSums::SharedBatchSums(const Topology& topology)
    : topology_(topology), leaders_(topology.all().split(topology.node().rank() == 0 ? 0 : 1)) {
  const Nodes& nodes = topology.nodes();
  for (int node = 0; node < nodes.count(); ++node) {
    most_ranks_ = std::max(most_ranks_, static_cast<int>(nodes.ranks_of(node).size()));
  }
  together(topology.all(), [&] {
    counters_.emplace(topology.node(), 2);
    expect_shared(counters_->is_shared());
  });
}

bool SharedBatchSums::has_room(const BatchPlan& plan) {
  try {
    reserve(most_subtrees(plan) * most_values_);
    return true;
  } catch (const Error&) {  // the same on every rank
    return false;
  }
}

void SharedBatchSums::start(const BatchPlan& plan) {
  plan_ = &plan;
  subtrees_ = most_subtrees(plan);
}

void SharedBatchSums::add_up(const WriteSums& write, std::span<double> totals) {
  values_ = totals.size();
  most_values_ = std::max(most_values_, values_);
  reserve(subtrees_ * values_);
  ++calls_;
  write_own(write);
  wait_for_others();
  add_last(totals);
}

void SharedBatchSums::reserve(std::size_t values) {
  if (values <= room_) return;
  std::unique_ptr<NodeMemory> memory;
  together(topology_.all(), [&] {
    const std::size_t ranks =
        static_cast<std::size_t>(topology_.nodes().count()) * static_cast<std::size_t>(most_ranks_);
    memory = std::make_unique<NodeMemory>(topology_.node(), 2 * ranks * values * sizeof(double));
    expect_shared(memory->is_shared());
  });
  memory_ = std::move(memory);
  room_ = values;
}

/// Of all ranks of `node`. A rank may still read one half while others write the next sums into the other;
/// they go no further before it has written its own.
std::span<double> SharedBatchSums::sums_of_node(int node) const {
  auto* const half = reinterpret_cast<double*>(memory_->bytes().data()) +
                     (calls_ % 2) * (memory_->bytes().size() / sizeof(double) / 2);
  const std::size_t size = static_cast<std::size_t>(most_ranks_) * subtrees_ * values_;
  return {half + static_cast<std::size_t>(node) * size, size};
}

/// [subtrees x values].
double* SharedBatchSums::sums_of(int rank) const {
  const int node = topology_.nodes().node_of(rank);
  const Index before = rank - topology_.nodes().ranks_of(node).first;
  return sums_of_node(node).data() + static_cast<std::size_t>(before) * subtrees_ * values_;
}

void SharedBatchSums::push(std::size_t depth) {
  if (stack_.size() < (depth + 1) * values_) stack_.resize((depth + 1) * values_);
}

void SharedBatchSums::merge(std::size_t depth) {
  double* const lower = on_stack(depth - 2);
  const double* const upper = on_stack(depth - 1);
  for (std::size_t k = 0; k < values_; ++k) lower[k] += upper[k];
}

void SharedBatchSums::write_own(const WriteSums& write) {
  const int rank = topology_.all().rank();
  std::size_t depth = 0;
  std::size_t micro_batch = 0;
  for (const TreeOperation& operation : plan_->local_operations(rank)) {
    if (operation.kind == TreeOperation::Kind::kMerge) {
      merge(depth--);
      continue;
    }
    push(depth);
    write(micro_batch++, {on_stack(depth++), values_});
  }
  std::copy_n(stack_.begin(), depth * values_, sums_of(rank));
  counters_->raise(kOwn, calls_);
}

void SharedBatchSums::wait_for_others() {
  const double before = counters_->seconds_waited();
  const int ranks = topology_.node().size();
  const bool leads = topology_.node().rank() == 0;
  if (topology_.is_one_node() || leads) {
    for (int rank = 0; rank < ranks; ++rank) counters_->wait(rank, kOwn, calls_);
  } else {
    counters_->wait(0, kAll, calls_);
  }
  seconds_waited_ += counters_->seconds_waited() - before;
  if (topology_.is_one_node() || !leads) return;
  Stopwatch watch;
  const std::span<const double> own = sums_of_node(topology_.own_node());
  outgoing_.assign(own.begin(), own.end());
  const std::span<double> all(sums_of_node(0).data(),
                              own.size() * static_cast<std::size_t>(topology_.nodes().count()));
  leaders_->all_gather(std::as_bytes(std::span(outgoing_)), std::as_writable_bytes(all));
  seconds_waited_ += watch.lap();
  counters_->raise(kAll, calls_);
}

void SharedBatchSums::add_last(std::span<double> totals) {
  std::size_t depth = 0;
  int rank = 0;
  std::size_t subtree = 0;  // of that rank, those before it are on the stack
  for (const TreeOperation& operation : plan_->global_operations()) {
    if (operation.kind == TreeOperation::Kind::kMerge) {
      merge(depth--);
      continue;
    }
    while (subtree == plan_->subtrees_of(rank)) {
      ++rank;
      subtree = 0;
    }
    push(depth);
    std::copy_n(sums_of(rank) + subtree++ * values_, values_, on_stack(depth++));
  }
  std::copy_n(on_stack(0), values_, totals.begin());
}

}  // namespace lockstep
