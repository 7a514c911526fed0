#include "parallel/local_sums.hpp"

#include <algorithm>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/parallel/reduction_tree.hpp"
#include "nn/bfloat16.hpp"
#include "parallel/exchange_run.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// result = values + 0.
LOCKSTEP_MULTIVERSION
void add_zero(Real* result, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) result[i] = values[i] + Real(0);
}

}  // namespace

LocalSums::LocalSums(NodeSums& sums, Index parameters, int rounded_levels)
    : sums_(sums),
      parameters_(parameters),
      rounded_levels_(rounded_levels),
      scratch_(static_cast<std::size_t>(threads())) {}

void LocalSums::start(const BatchPlan& plan, int rank, std::size_t blocks) {
  leaves_.clear();
  std::size_t depth = 0;
  for (const TreeOperation& operation : plan.local_operations(rank)) {
    const bool is_rounded = operation.is_within(rounded_levels_);
    if (operation.kind == TreeOperation::Kind::kPush) {
      leaves_.push_back({static_cast<int>(operation.node.first), depth++, is_rounded});
      deepest_ = std::max(deepest_, depth);
    } else {
      leaves_.back().are_rounded[leaves_.back().merges++] = is_rounded;
      --depth;
    }
  }
  held_ = depth;
  // Sums that span blocks need room for all parameters, others only until their range is done.
  spans_blocks_ = blocks > 1;
  if (spans_blocks_) spanning_.resize((deepest_ - held_) * static_cast<std::size_t>(parameters_));
}

void LocalSums::add(const RowBlock& block, ParameterRange range, const AddGradient& write, bool in_place) {
  for (const MicroBatchRows& m : block.micro_batches) {
    const Leaf& leaf = leaf_of(m.micro_batch);
    const bool adds = in_place && leaf.merges > 0 && !leaf.is_rounded && !leaf.are_rounded[0];
    write(m, level(leaf.level - (adds ? 1 : 0), range), adds);
    if (leaf.is_rounded) round_to_bfloat16(level(leaf.level, range), range.size);
    for (std::size_t merge = adds ? 1 : 0; merge < leaf.merges; ++merge) {
      const std::size_t upper = leaf.level - merge;
      add_to(level(upper - 1, range), level(upper, range), range.size, leaf.are_rounded[merge]);
    }
  }
}

void LocalSums::add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write) {
  std::array<bool, kDeepestTree> is_zero{};  // the levels that this block has left so
  std::size_t top = 0;
  for (const MicroBatchRows& m : block.micro_batches) {
    const Leaf& leaf = leaf_of(m.micro_batch);
    is_zero[leaf.level] = !write(m, level(leaf.level, range));
    if (leaf.is_rounded && !is_zero[leaf.level]) round_to_bfloat16(level(leaf.level, range), range.size);
    top = leaf.level - leaf.merges;
    for (std::size_t merge = 0; merge < leaf.merges; ++merge) {
      const std::size_t upper = leaf.level - merge;
      const std::size_t lower = upper - 1;
      if (is_zero[lower] && is_zero[upper]) continue;
      Real* const sum = level(lower, range);
      if (is_zero[lower] || is_zero[upper]) {
        add_zero(sum, is_zero[lower] ? level(upper, range) : sum, range.size);
        if (leaf.are_rounded[merge]) round_to_bfloat16(sum, range.size);
      } else {
        add_to(sum, level(upper, range), range.size, leaf.are_rounded[merge]);
      }
      is_zero[lower] = false;
    }
  }
  for (std::size_t i = 0; i <= top; ++i) {
    if (is_zero[i]) std::fill_n(level(i, range), range.size, Real(0));
  }
}

const LocalSums::Leaf& LocalSums::leaf_of(int micro_batch) const {
  const auto found = std::find_if(leaves_.begin(), leaves_.end(),
                                  [&](const Leaf& l) { return l.micro_batch == micro_batch; });
  LOCKSTEP_CHECK(found != leaves_.end());
  return *found;
}

/// Values of `range` on level `level` of the stack: the first levels are what the node sees, the others end
/// with the last merge.
Real* LocalSums::level(std::size_t level, ParameterRange range) {
  if (level < held_) return sums_.own(level) + range.offset;
  const std::size_t beyond = level - held_;
  if (spans_blocks_) return spanning_.data() + beyond * static_cast<std::size_t>(parameters_) + range.offset;
  std::vector<Real>& scratch = scratch_[static_cast<std::size_t>(thread_index())];
  const auto size = static_cast<std::size_t>(range.size);
  if (scratch.size() < (deepest_ - held_) * size) scratch.resize((deepest_ - held_) * size);
  return scratch.data() + beyond * size;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
