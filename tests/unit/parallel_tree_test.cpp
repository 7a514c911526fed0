#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/random.hpp"
#include "lockstep/parallel/reduction_tree.hpp"

namespace lockstep {
namespace {

using Kind = TreeOperation::Kind;

constexpr Index kMostMicroBatches = 17;

Presence all_present(Index micro_batches) { return Presence(static_cast<std::size_t>(micro_batches), true); }

/// "[...]", also where it is rounded already.
std::string rounded(const std::string& text) { return text.starts_with('[') ? text : "[" + text + "]"; }

/// Applies `operations` to texts: "(0+1)" is the sum of micro-batches 0 and 1, "[(0+1)]" that sum rounded, as
/// the `levels` levels below the root are. `leaf` gives what is pushed.
template <typename Leaf>
std::vector<std::string> evaluate(const std::vector<TreeOperation>& operations, int levels, Leaf leaf) {
  std::vector<std::string> stack;
  for (const TreeOperation& operation : operations) {
    if (operation.kind == Kind::kPush) {
      stack.push_back(leaf(operation.node));
    } else {
      EXPECT_GE(stack.size(), 2U);
      const std::string upper = stack.back();
      stack.pop_back();
      stack.back() = "(" + stack.back() + "+" + upper + ")";
    }
    if (operation.is_within(levels)) stack.back() = rounded(stack.back());
  }
  return stack;
}

std::vector<std::string> local_sums(Index micro_batches, Interval range, const Presence& present,
                                    int levels) {
  return evaluate(local_operations(micro_batches, range, present), levels, [](Interval node) {
    EXPECT_EQ(node.size(), 1);
    return std::to_string(node.first);
  });
}

/// The sum as `ranks` ranks compute it. What one hands over is rounded already if the tree has it so.
std::string total(Index micro_batches, Index ranks, const Presence& present, int levels = 0) {
  std::vector<std::string> sums;
  for (Index rank = 0; rank < ranks; ++rank) {
    for (const auto& sum : local_sums(micro_batches, part_of(micro_batches, ranks, rank), present, levels)) {
      sums.push_back(sum);
    }
  }
  const std::vector<TreeOperation> operations =
      global_operations(micro_batches, parts_of(micro_batches, ranks), present);
  std::size_t pushes = 0;
  for (const TreeOperation& operation : operations) {
    const bool is_all = operation.deepest == 0;  // of one rank, which hands nothing over
    if (operation.kind != Kind::kPush || pushes == sums.size() || is_all) continue;
    EXPECT_EQ(operation.is_within(levels), sums[pushes].starts_with('[')) << sums[pushes];
    ++pushes;
  }
  std::size_t next = 0;
  const auto stack =
      evaluate(operations, levels, [&](Interval) { return next < sums.size() ? sums[next++] : "missing"; });
  EXPECT_EQ(next, sums.size());
  EXPECT_EQ(stack.size(), 1U);
  return stack.empty() ? "" : stack.back();
}

/// The tree as its definition says, written down a second time: what stands at `level` is rounded if that is
/// one of the first `levels` below the root's.
std::string defined_sum(Index first, Index last, const Presence& present, int levels = 0, int level = 0) {
  std::string value;
  if (last - first == 1) {
    if (present[static_cast<std::size_t>(first)]) value = std::to_string(first);
  } else {
    Index half = 1;
    while (2 * half < last - first) half *= 2;
    const std::string left = defined_sum(first, first + half, present, levels, level + 1);
    const std::string right = defined_sum(first + half, last, present, levels, level + 1);
    value = left.empty() || right.empty() ? left + right : "(" + left + "+" + right + ")";
  }
  return !value.empty() && 1 <= level && level <= levels ? rounded(value) : value;
}

TEST(ReductionTree, OfEightIsHalvesOfHalves) {
  EXPECT_EQ(total(8, 1, all_present(8)), "(((0+1)+(2+3))+((4+5)+(6+7)))");
  EXPECT_EQ(complete_subtrees(8, {0, 8}), (std::vector<Interval>{{0, 8}}));
  EXPECT_EQ(complete_subtrees(8, {4, 8}), (std::vector<Interval>{{4, 8}}));
  EXPECT_EQ(complete_subtrees(8, {1, 7}), (std::vector<Interval>{{1, 2}, {2, 4}, {4, 6}, {6, 7}}));
  EXPECT_EQ(complete_subtrees(8, {2, 5}), (std::vector<Interval>{{2, 4}, {4, 5}}));
  EXPECT_EQ(complete_subtrees(8, {3, 3}), std::vector<Interval>{});
}

TEST(ReductionTree, OfOtherNumbersSplitsBehindTheLargestPowerOfTwo) {
  EXPECT_EQ(total(1, 1, all_present(1)), "0");
  EXPECT_EQ(total(3, 1, all_present(3)), "((0+1)+2)");
  EXPECT_EQ(total(6, 1, all_present(6)), "(((0+1)+(2+3))+(4+5))");
  EXPECT_EQ(total(7, 1, all_present(7)), "(((0+1)+(2+3))+((4+5)+6))");
}

TEST(ReductionTree, LeavesOutMicroBatchesWithoutSamples) {
  EXPECT_EQ(total(8, 1, {true, false, false, false, true, true, false, true}), "(0+((4+5)+7))");
  EXPECT_EQ(total(4, 1, {false, false, false, true}), "3");
}

TEST(ReductionTree, SubtreesCoverEveryRangeOnceAndCannotBeJoined) {
  for (Index m = 1; m <= kMostMicroBatches; ++m) {
    for (Index first = 0; first < m; ++first) {
      for (Index last = first + 1; last <= m; ++last) {
        Index position = first;
        for (const Interval& subtree : complete_subtrees(m, {first, last})) {
          EXPECT_EQ(subtree.first, position);
          EXPECT_GT(subtree.size(), 0);
          // A subtree of size s starts at a multiple of the power of two that is at least s.
          Index aligned = 1;
          while (aligned < subtree.size()) aligned *= 2;
          EXPECT_EQ(subtree.first % aligned, 0);
          EXPECT_TRUE(subtree.size() == aligned || subtree.last == m);
          position = subtree.last;
        }
        EXPECT_EQ(position, last) << m << ": " << first << " to " << last;
      }
    }
  }
}

std::vector<Presence> presence_patterns(Index micro_batches) {
  const auto m = static_cast<std::size_t>(micro_batches);
  std::vector<Presence> patterns = {Presence(m, true)};
  for (std::size_t one = 0; one < m; ++one) {
    patterns.emplace_back(m, false).at(one) = true;   // alone
    patterns.emplace_back(m, true).at(one) = m == 1;  // missing
  }
  for (std::uint64_t number = 0; number < 20; ++number) {
    const std::uint64_t bits = random_bits(number, Purpose::kSynthetic, {m, 0, 0, 0})[0];
    Presence& pattern = patterns.emplace_back(m, false);
    for (std::size_t i = 0; i < m; ++i) pattern[i] = ((bits >> i) & 1U) != 0;
    pattern[bits % m] = true;
  }
  // As batches smaller than M have it.
  for (Index batch = 1; batch < micro_batches; ++batch) {
    Presence& pattern = patterns.emplace_back(m, false);
    for (Index i = 0; i < micro_batches; ++i) {
      pattern[static_cast<std::size_t>(i)] = part_of(batch, micro_batches, i).size() > 0;
    }
  }
  return patterns;
}

// The promise: whatever the number of ranks, the sum is the same expression.
TEST(ReductionTree, IsTheSameExpressionOnEveryNumberOfRanks) {
  for (Index m = 1; m <= kMostMicroBatches; ++m) {
    for (const Presence& present : presence_patterns(m)) {
      for (const int levels : {0, 1, 2, 3, 16}) {
        const std::string expected = defined_sum(0, m, present, levels);
        for (Index ranks = 1; ranks <= m; ++ranks) {
          ASSERT_EQ(total(m, ranks, present, levels), expected)
              << m << " micro-batches on " << ranks << " ranks, " << levels
              << " levels, present: " << testing::PrintToString(present);
        }
      }
    }
  }
}

TEST(ReductionTree, IsRoundedInItsFirstLevelsBelowTheTotal) {
  EXPECT_EQ(total(8, 2, all_present(8), 1), "([((0+1)+(2+3))]+[((4+5)+(6+7))])");
  EXPECT_EQ(total(8, 2, all_present(8), 2), "([([(0+1)]+[(2+3)])]+[([(4+5)]+[(6+7)])])");
  EXPECT_EQ(total(3, 3, all_present(3), 4), "([([0]+[1])]+[2])");
  EXPECT_EQ(total(1, 1, all_present(1), 4), "0");
  EXPECT_EQ(level_of(8, {0, 8}), 0);
  EXPECT_EQ(level_of(8, {4, 6}), 2);
  EXPECT_EQ(level_of(6, {4, 6}), 1);
  EXPECT_EQ(level_of(6, {4, 5}), 2);
}

TEST(ReductionTree, PushesEveryPresentMicroBatchOnceInRisingOrder) {
  for (Index m = 1; m <= kMostMicroBatches; ++m) {
    for (const Presence& present : presence_patterns(m)) {
      for (Index ranks = 1; ranks <= m; ++ranks) {
        std::vector<Index> pushed;
        for (Index rank = 0; rank < ranks; ++rank) {
          for (const auto& operation : local_operations(m, part_of(m, ranks, rank), present)) {
            if (operation.kind == Kind::kPush) pushed.push_back(operation.node.first);
          }
        }
        std::vector<Index> expected;
        for (Index i = 0; i < m; ++i) {
          if (present[static_cast<std::size_t>(i)]) expected.push_back(i);
        }
        ASSERT_EQ(pushed, expected) << m << " on " << ranks;
      }
    }
  }
}

TEST(TreeSum, AddsInTreeOrder) {
  // 1 + 2^-53 is 1, so the order shows: ((1 + ε) + (ε + ε)) is 1 + 2ε, a sum from left to right is 1.
  const double epsilon = 0x1p-53;
  EXPECT_EQ(tree_sum(std::vector<double>{1, epsilon, epsilon, epsilon}, all_present(4)), 1 + 0x1p-52);
  EXPECT_EQ(tree_sum(std::vector<double>{epsilon, epsilon, 1}, all_present(3)), 1 + 0x1p-52);
  EXPECT_EQ(tree_sum(std::vector<double>{1, 2, 4, 8, 16}, all_present(5)), 31);
}

TEST(TreeSum, LeavesOutWhatIsAbsent) {
  EXPECT_EQ(tree_sum(std::vector<double>{1, 2, 4, 8}, {true, false, true, false}), 5);
  EXPECT_EQ(tree_sum(std::vector<double>{1, 2, 4}, {false, false, false}), 0);
}

}  // namespace
}  // namespace lockstep
