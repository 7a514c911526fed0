#include "lockstep/parallel/batch_plan.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"

namespace lockstep {

BatchPlan::BatchPlan(Index batch_size, Index micro_batches, Index ranks)
    : batch_size_(batch_size), micro_batches_(micro_batches), ranks_(ranks) {
  LOCKSTEP_CHECK(batch_size >= 1 && 1 <= ranks && ranks <= micro_batches);
  for (Index m = 0; m < micro_batches; ++m) present_.push_back(rows(m).size() > 0);
}

Index BatchPlan::owner(Index m) const {
  Index rank = 0;
  while (owned_by(rank).last <= m) ++rank;
  return rank;
}

std::vector<TreeOperation> BatchPlan::local_operations(Index rank) const {
  return lockstep::local_operations(micro_batches_, owned_by(rank), present_);
}

std::vector<TreeOperation> BatchPlan::global_operations() const {
  return lockstep::global_operations(micro_batches_, ranks_, present_);
}

std::size_t BatchPlan::subtrees_of(Index rank) const {
  std::size_t held = 0;
  for (const TreeOperation& operation : local_operations(rank)) {
    held += operation.kind == TreeOperation::Kind::kPush ? 1 : -1;
  }
  return held;
}

std::size_t BatchPlan::stack_depth() const {
  std::size_t deepest = 1;
  for (Index rank = 0; rank < ranks_; ++rank) {
    std::size_t depth = 0;
    for (const TreeOperation& operation : local_operations(rank)) {
      depth += operation.kind == TreeOperation::Kind::kPush ? 1 : -1;
      deepest = std::max(deepest, depth);
    }
  }
  return deepest;
}

std::vector<Block> cut_into_blocks(const BatchPlan& plan, Index rank, Index most_rows) {
  std::vector<Block> blocks;
  const Interval owned = plan.owned_by(rank);
  for (Index m = owned.first; m < owned.last; ++m) {
    const Interval rows = plan.rows(m);
    if (rows.size() == 0) continue;
    if (blocks.empty() || rows.last - blocks.back().rows.first > most_rows)
      blocks.push_back({{rows.first, rows.first}, {}});
    Block& block = blocks.back();
    block.micro_batches.push_back({static_cast<int>(m), rows.first - block.rows.first, rows.size()});
    block.rows.last = rows.last;
  }
  return blocks;
}

}  // namespace lockstep
