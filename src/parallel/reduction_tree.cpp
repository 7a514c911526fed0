#include "lockstep/parallel/reduction_tree.hpp"

#include <algorithm>
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

bool is_single(Interval node) { return node.size() == 1; }

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

/// A node on the way down the tree: how deep it is, and how high the nodes begin that have its value.
struct Position {
  Interval node;
  int highest = 0;
  int depth = 0;
};

/// The halves of `at` that have samples.
std::vector<Position> halves_of(const Position& at, const Presence& present) {
  const Index middle = split_point(at.node);
  std::vector<Position> halves;
  for (const Interval half : {Interval{at.node.first, middle}, Interval{middle, at.node.last}}) {
    if (has_samples(half, present)) halves.push_back({half, at.depth + 1, at.depth + 1});
  }
  if (halves.size() == 1) halves.front().highest = at.highest;
  return halves;
}

/// Appends the operations that leave the sum of `at`, which has samples, on the stack.
void evaluate(const Position& at, const Presence& present, const std::function<bool(Interval)>& is_leaf,
              std::vector<TreeOperation>& operations) {
  if (is_leaf(at.node)) {
    operations.push_back({Kind::kPush, at.node, at.highest, at.depth});
    return;
  }
  const std::vector<Position> halves = halves_of(at, present);
  for (const Position& half : halves) evaluate(half, present, is_leaf, operations);
  if (halves.size() == 2) operations.push_back({Kind::kMerge, at.node, at.highest, at.depth});
}

/// The same for each complete subtree inside `range` at or below `at`, which has samples.
void evaluate_inside(Interval range, const Position& at, const Presence& present,
                     std::vector<TreeOperation>& operations) {
  if (contains(range, at.node)) return evaluate(at, present, is_single, operations);
  if (at.node.last <= range.first || range.last <= at.node.first) return;
  for (const Position& half : halves_of(at, present)) evaluate_inside(range, half, present, operations);
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

}  // namespace

std::vector<Interval> complete_subtrees(Index micro_batches, Interval range) {
  std::vector<Interval> subtrees;
  if (range.size() > 0) collect_subtrees({0, micro_batches}, range, subtrees);
  return subtrees;
}

int level_of(Index micro_batches, Interval subtree) {
  int level = 0;
  for (Interval node{0, micro_batches}; !contains(subtree, node); ++level) {
    const Index middle = split_point(node);
    node = subtree.first < middle ? Interval{node.first, middle} : Interval{middle, node.last};
  }
  return level;
}

std::vector<TreeOperation> local_operations(Index micro_batches, Interval range, const Presence& present) {
  std::vector<TreeOperation> operations;
  const Interval all{0, micro_batches};
  if (range.size() > 0 && has_samples(all, present)) evaluate_inside(range, {all}, present, operations);
  return operations;
}

std::vector<TreeOperation> global_operations(Index micro_batches, std::span<const Interval> owned,
                                             const Presence& present) {
  const auto inside_one_rank = [&](Interval node) {
    return std::ranges::any_of(owned, [&](Interval range) { return contains(range, node); });
  };
  std::vector<TreeOperation> operations;
  evaluate({{0, micro_batches}}, present, inside_one_rank, operations);
  return operations;
}

double tree_sum(std::span<const double> values, const Presence& present) {
  LOCKSTEP_CHECK(values.size() == present.size());
  const Interval all{0, static_cast<Index>(values.size())};
  return has_samples(all, present) ? sum_of(all, values, present) : 0;
}

}  // namespace lockstep
