#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "lockstep/parallel/partition.hpp"

namespace lockstep {

/// The one binary tree by which M micro-batches are summed. A node is an interval of micro-batches; it splits
/// after the largest power of two that is smaller than its size, so that for M = 2^k all levels are halves.
/// Micro-batches without samples are absent: a node with one absent half is its other half. All functions are
/// pure.

/// One step of evaluating the tree with a stack: push the value of `node`, or replace the two values on top
/// by their sum (lower + upper).
struct TreeOperation {
  /// What it does to the stack.
  enum class Kind { kPush, kMerge };
  Kind kind = Kind::kPush;
  Interval node;
  /// How far below the root the value stands: it is that of `node`, at `deepest`, and that of all nodes above
  /// whose other half is absent, up to `highest`.
  int highest = 0;
  int deepest = 0;

  /// Whether the value is one of the `levels` levels right below the root.
  bool is_within(int levels) const { return std::max(highest, 1) <= std::min(deepest, levels); }

  bool operator==(const TreeOperation&) const = default;
};

/// present[m]: whether micro-batch m has samples.
using Presence = std::vector<bool>;

/// The complete subtrees inside `range`, left to right: what a rank that owns `range` can sum alone.
std::vector<Interval> complete_subtrees(Index micro_batches, Interval range);

/// How many levels below the root of the tree `subtree`, one of its nodes, stands.
int level_of(Index micro_batches, Interval subtree);

/// How the owner of `range` sums it: leaves are single micro-batches in rising order; one value for each
/// complete subtree that has samples is left on the stack.
std::vector<TreeOperation> local_operations(Index micro_batches, Interval range, const Presence& present);

/// How the ranks' subtree sums become the total: leaves are the complete subtrees of the ranges that the
/// ranks own, which are in rising order; one value is left on the stack.
std::vector<TreeOperation> global_operations(Index micro_batches, std::span<const Interval> owned,
                                             const Presence& present);

/// Σ values by the whole tree.
double tree_sum(std::span<const double> values, const Presence& present);

}  // namespace lockstep
