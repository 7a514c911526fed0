#include "lockstep/parallel/reduction_tree.hpp"

#include <bit>
#include <cstdint>
#include <functional>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using Kind = TreeOperation::Kind;

Index split_point(Interval node) {
  const auto size = static_cast<std::uint64_t>(node.size());
  return node.first + static_cast<Index>(std::bit_ceil(size) / 2);
}

bool contains(Interval outer, Interval inner) {
  return outer.first <= inner.first && inner.last <= outer.last;
}

bool has_samples(Interval node, const Presence& present) {
  for (Index m = node.first; m < node.last; ++m) {
    if (present[static_cast<std::size_t>(m)]) return true;
  }
  return false;
}

void collect_subtrees(Interval node, Interval range, std::vector<Interval>& subtrees) {
  if (node.last <= range.first || range.last <= node.first) return;
  if (contains(range, node)) {
    subtrees.push_back(node);
    return;
  }
  const Index middle = split_point(node);
  collect_subtrees({node.first, middle}, range, subtrees);
  collect_subtrees({middle, node.last}, range, subtrees);
}

/// Appends the operations that leave the sum of `node`, which has samples, on the stack.
void evaluate(Interval node, const Presence& present, const std::function<bool(Interval)>& is_leaf,
              std::vector<TreeOperation>& operations) {
  if (is_leaf(node)) {
    operations.push_back({Kind::kPush, node});
    return;
  }
  const Index middle = split_point(node);
  const Interval left{node.first, middle};
  const Interval right{middle, node.last};
  const bool has_left = has_samples(left, present);
  const bool has_right = has_samples(right, present);
  if (has_left) evaluate(left, present, is_leaf, operations);
  if (has_right) evaluate(right, present, is_leaf, operations);
  if (has_left && has_right) operations.push_back({Kind::kMerge, node});
}

/// The sum below `node`, which has samples.
double sum_of(Interval node, std::span<const double> values, const Presence& present) {
  if (node.size() == 1) return values[static_cast<std::size_t>(node.first)];
  const Interval left{node.first, split_point(node)};
  const Interval right{left.last, node.last};
  if (!has_samples(right, present)) return sum_of(left, values, present);
  if (!has_samples(left, present)) return sum_of(right, values, present);
  return sum_of(left, values, present) + sum_of(right, values, present);
}

bool is_single(Interval node) { return node.size() == 1; }

}  // namespace

std::vector<Interval> complete_subtrees(Index micro_batches, Interval range) {
  std::vector<Interval> subtrees;
  if (range.size() > 0) collect_subtrees({0, micro_batches}, range, subtrees);
  return subtrees;
}

std::vector<TreeOperation> local_operations(Index micro_batches, Interval range, const Presence& present) {
  std::vector<TreeOperation> operations;
  for (const Interval& subtree : complete_subtrees(micro_batches, range)) {
    if (has_samples(subtree, present)) evaluate(subtree, present, is_single, operations);
  }
  return operations;
}

std::vector<TreeOperation> global_operations(Index micro_batches, Index ranks, const Presence& present) {
  const auto inside_one_rank = [&](Interval node) {
    for (Index rank = 0; rank < ranks; ++rank) {
      if (contains(part_of(micro_batches, ranks, rank), node)) return true;
    }
    return false;
  };
  std::vector<TreeOperation> operations;
  evaluate({0, micro_batches}, present, inside_one_rank, operations);
  return operations;
}

double tree_sum(std::span<const double> values, const Presence& present) {
  LOCKSTEP_CHECK(values.size() == present.size());
  const Interval all{0, static_cast<Index>(values.size())};
  return has_samples(all, present) ? sum_of(all, values, present) : 0;
}

}  // namespace lockstep
