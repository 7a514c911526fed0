#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "nn_helpers.hpp"
#include <gtest/gtest.h>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"

namespace lockstep {
namespace {

using test::random_values;
using Values = std::vector<Real>;

// More than the reducer takes at once.
constexpr Index kParameters = 10007;

Values gradient_of(Index micro_batch) {
  return random_values(kParameters, static_cast<std::uint64_t>(micro_batch) + 1);
}

/// The sum over micro-batches [first, last) as the tree's definition says; empty where none has samples.
Values tree_sum_by_hand(const BatchPlan& plan, Index first, Index last) {
  if (last - first == 1) return plan.rows(first).size() > 0 ? gradient_of(first) : Values();
  Index half = 1;
  while (2 * half < last - first) half *= 2;
  Values left = tree_sum_by_hand(plan, first, first + half);
  Values right = tree_sum_by_hand(plan, first + half, last);
  if (left.empty()) return right;
  for (std::size_t i = 0; i < right.size(); ++i) left[i] += right[i];
  return left;
}

/// Hands in the gradients in pieces, the last parameters first, as layers do.
void hand_in(GradientReducer& reducer, const BatchPlan& plan, const std::vector<ParameterRange>& ranges) {
  reducer.start(plan);
  for (const ParameterRange& range : std::vector<ParameterRange>(ranges.rbegin(), ranges.rend())) {
    for (Index m = 0; m < plan.micro_batches(); ++m) {
      if (plan.rows(m).size() == 0) continue;
      const Values gradient = gradient_of(m);
      Real* const buffer = reducer.buffer(range, static_cast<int>(m));
      std::copy_n(gradient.begin() + range.offset, range.size, buffer);
      reducer.add(range, static_cast<int>(m));
    }
  }
}

std::vector<ParameterRange> pieces() { return {{0, 1}, {1, 4999}, {5000, 5007}}; }

void expect_tree_sum(GradientReducer& reducer, const BatchPlan& plan,
                     const std::vector<ParameterRange>& ranges) {
  hand_in(reducer, plan, ranges);
  const auto divisor = static_cast<Real>(plan.batch_size());
  const std::span<const Real> result = reducer.finish(divisor);
  Values expected = tree_sum_by_hand(plan, 0, plan.micro_batches());
  for (Real& value : expected) value /= divisor;
  EXPECT_EQ(Values(result.begin(), result.end()), expected)
      << plan.batch_size() << " rows in " << plan.micro_batches();
}

TEST(GradientReducer, SumsByTheTreeBitForBit) {
  const auto communicator = make_single_communicator();
  for (const Index micro_batches : {1, 2, 3, 5, 8, 13, 16}) {
    for (const Index batch : {1, 2, 3, 7, 8, 31, 64}) {
      const auto reducer = make_gradient_reducer(Reduction::kReproducible, *communicator, kParameters);
      expect_tree_sum(*reducer, BatchPlan(batch, micro_batches, 1), pieces());
    }
  }
}

TEST(GradientReducer, SumsTheSameWhateverPiecesItIsHanded) {
  const auto communicator = make_single_communicator();
  const auto reducer = make_gradient_reducer(Reduction::kReproducible, *communicator, kParameters);
  const BatchPlan plan(64, 8, 1);
  expect_tree_sum(*reducer, plan, {{0, kParameters}});
  expect_tree_sum(*reducer, plan, {{0, 3}, {3, 7}, {10, kParameters - 10}});
}

TEST(GradientReducer, KeepsNothingFromTheStepBefore) {
  const auto communicator = make_single_communicator();
  const auto reducer = make_gradient_reducer(Reduction::kReproducible, *communicator, kParameters);
  for (const Index batch : {64, 3, 1, 64, 5}) {
    expect_tree_sum(*reducer, BatchPlan(batch, 8, 1), pieces());
    expect_tree_sum(*reducer, BatchPlan(batch, 5, 1), pieces());
  }
}

TEST(FastReducer, OfOneRankIsItsGradient) {
  const auto communicator = make_single_communicator();
  const auto reducer = make_gradient_reducer(Reduction::kFast, *communicator, kParameters);
  expect_tree_sum(*reducer, BatchPlan(7, 1, 1), pieces());
  expect_tree_sum(*reducer, BatchPlan(1, 1, 1), pieces());
}

}  // namespace
}  // namespace lockstep
