#pragma once

#include <vector>

#include "lockstep/nn/row_block.hpp"
#include "lockstep/parallel/reduction_tree.hpp"

namespace lockstep {

/// Who computes what in one step: a pure function of (batch size, micro-batches, ranks), the same on every
/// rank.
class BatchPlan {
 public:
  /// 1 <= ranks <= micro_batches.
  BatchPlan(Index batch_size, Index micro_batches, Index ranks);

  Index batch_size() const { return batch_size_; }
  Index micro_batches() const { return micro_batches_; }
  Index ranks() const { return ranks_; }

  /// Rows of the global batch in micro-batch `m`; may be none.
  Interval rows(Index m) const { return part_of(batch_size_, micro_batches_, m); }
  /// Micro-batches of `rank`.
  Interval owned_by(Index rank) const { return part_of(micro_batches_, ranks_, rank); }
  /// The rank that computes micro-batch `m`.
  Index owner(Index m) const;
  /// Which micro-batches have samples.
  const Presence& presence() const { return present_; }

  /// How `rank` sums its micro-batches, and the ranks' sums become the total: see reduction_tree.hpp.
  const std::vector<TreeOperation>& local_operations(Index rank) const {
    return local_operations_[static_cast<std::size_t>(rank)];
  }
  const std::vector<TreeOperation>& global_operations() const { return global_operations_; }
  /// The subtree sums that `rank` holds when its micro-batches are done.
  std::size_t subtrees_of(Index rank) const { return subtrees_[static_cast<std::size_t>(rank)]; }

 private:
  Index batch_size_;
  Index micro_batches_;
  Index ranks_;
  Presence present_;
  std::vector<std::vector<TreeOperation>> local_operations_;  // of each rank
  std::vector<std::size_t> subtrees_;
  std::vector<TreeOperation> global_operations_;
};

/// Whole micro-batches that pass through the network together.
struct Block {
  Interval rows;  ///< of the global batch
  std::vector<MicroBatchRows> micro_batches;
};

/// Cuts the rows of `rank` into blocks of at most `most_rows` rows, or of one micro-batch where that alone is
/// larger. The cut bounds memory; no result depends on it.
std::vector<Block> cut_into_blocks(const BatchPlan& plan, Index rank, Index most_rows);

}  // namespace lockstep
