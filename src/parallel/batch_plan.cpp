#include "lockstep/parallel/batch_plan.hpp"

#include <algorithm>
#include <utility>

#include "lockstep/core/error.hpp"

namespace lockstep {

BatchPlan::BatchPlan(Index batch_size, std::vector<Interval> owned)
    : batch_size_(batch_size), owned_(std::move(owned)) {
  LOCKSTEP_CHECK(batch_size >= 1 && !owned_.empty());
  for (Index first = 0; const Interval range : owned_) {
    LOCKSTEP_CHECK(range.first == first && range.size() > 0);
    first = range.last;
  }
  for (Index m = 0; m < micro_batches(); ++m) present_.push_back(rows(m).size() > 0);
  for (const Interval range : owned_) {
    const auto& operations =
        local_operations_.emplace_back(lockstep::local_operations(micro_batches(), range, present_));
    std::size_t& held = subtrees_.emplace_back();
    for (const TreeOperation& operation : operations) {
      held += operation.kind == TreeOperation::Kind::kPush ? 1 : -1;
    }
  }
  global_operations_ = lockstep::global_operations(micro_batches(), owned_, present_);
}

Index BatchPlan::owner(Index m) const {
  Index rank = 0;
  while (owned_by(rank).last <= m) ++rank;
  return rank;
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
