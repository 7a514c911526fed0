#pragma once

#include <vector>

#include "lockstep/nn/row_block.hpp"
#include "lockstep/parallel/reduction_tree.hpp"

namespace lockstep {

/// Who computes what in one step: a pure function of the batch size and of who owns which micro-batches, the
/// same on every rank. No result depends on the owners.
class BatchPlan {
 public:
  /// `owned`: of each rank, one range after another from 0 on, none of them empty.
  BatchPlan(Index batch_size, std::vector<Interval> owned);
  /// As equal ranges as there can be. 1 <= ranks <= micro_batches.
  BatchPlan(Index batch_size, Index micro_batches, Index ranks)
      : BatchPlan(batch_size, parts_of(micro_batches, ranks)) {}

  Index batch_size() const { return batch_size_; }
  Index micro_batches() const { return owned_.back().last; }
  Index ranks() const { return std::ssize(owned_); }

  /// Rows of the global batch in micro-batch `m`; may be none.
  Interval rows(Index m) const { return part_of(batch_size_, micro_batches(), m); }
  /// Micro-batches of each rank, and of `rank`.
  const std::vector<Interval>& owned() const { return owned_; }
  Interval owned_by(Index rank) const { return owned_[static_cast<std::size_t>(rank)]; }
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
  std::vector<Interval> owned_;
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
