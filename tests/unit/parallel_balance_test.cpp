#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/parallel/balance.hpp"

namespace lockstep {
namespace {

using Parts = std::vector<Interval>;

/// For micro-batches that take each rank `each` seconds.
std::vector<double> seconds_of(const Parts& owned, const std::vector<double>& each) {
  std::vector<double> seconds;
  for (std::size_t rank = 0; rank < owned.size(); ++rank)
    seconds.push_back(static_cast<double>(owned[rank].size()) * each[rank]);
  return seconds;
}

TEST(Balanced, GivesTheSlowRankLess) {
  const Nodes nodes({2});
  const Parts even = {{0, 4}, {4, 8}};
  // 4 · 2 becomes 3 · 2 and 5 · 1.
  EXPECT_EQ(balanced(even, seconds_of(even, {1, 2}), nodes), (Parts{{0, 5}, {5, 8}}));
  EXPECT_EQ(balanced(even, seconds_of(even, {2, 1}), nodes), (Parts{{0, 3}, {3, 8}}));
  EXPECT_EQ(balanced({{0, 3}, {3, 8}}, std::array{3.0, 5.0}, nodes), even)
      << "once it is as quick as the other";
}

TEST(Balanced, LeavesARankOneMicroBatch) {
  EXPECT_EQ(balanced({{0, 4}, {4, 8}}, std::array{1.0, 1000.0}, Nodes({2})), (Parts{{0, 7}, {7, 8}}));
  EXPECT_EQ(balanced({{0, 1}, {1, 2}}, std::array{1.0, 1000.0}, Nodes({2})), (Parts{{0, 1}, {1, 2}}));
}

TEST(Balanced, MovesNothingForLessThanATenth) {
  const Nodes nodes({2});
  const Parts even = {{0, 50}, {50, 100}};
  EXPECT_EQ(balanced(even, std::array{1.0, 1.2}, nodes), even) << "54 and 46 would take 1.1";
  EXPECT_EQ(balanced(even, std::array{1.0, 1.3}, nodes), (Parts{{0, 57}, {57, 100}}));
  const Parts uneven = {{0, 3}, {3, 6}, {6, 8}};
  EXPECT_EQ(balanced(uneven, std::array{3.0, 3.0, 2.0}, Nodes({3})), uneven);
}

TEST(Balanced, KeepsMicroBatchesInTheirNode) {
  const Parts even = {{0, 4}, {4, 8}, {8, 12}, {12, 16}};
  EXPECT_EQ(balanced(even, std::array{1.0, 3.0, 1.0, 1.0}, Nodes({2, 2})),
            (Parts{{0, 6}, {6, 8}, {8, 12}, {12, 16}}));
  EXPECT_EQ(balanced(even, std::array{1.0, 3.0, 1.0, 1.0}, Nodes({1, 1, 1, 1})), even);
}

TEST(Balance, DecidesByTheTimesOfSeveralSteps) {
  const Nodes nodes({2});
  Balance balance(8, nodes);
  const Parts even = {{0, 4}, {4, 8}};
  EXPECT_EQ(balance.owned(), even);
  int changes = 0;
  for (int step = 0; step < 100; ++step) changes += balance.add(seconds_of(balance.owned(), {1, 2})) ? 1 : 0;
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(balance.owned(), (Parts{{0, 5}, {5, 8}}));
  for (int step = 0; step < 100; ++step) changes += balance.add(seconds_of(balance.owned(), {1, 1})) ? 1 : 0;
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(balance.owned(), even);
  for (int step = 0; step < 100; ++step) {  // one slow step is none of the rank's kind
    EXPECT_FALSE(balance.add(std::array{step == 5 ? 3.0 : 1.0, 1.0})) << step;
  }
}

TEST(Balance, StaysEvenOnceItIsStopped) {
  const Nodes nodes({2});
  Balance balance(8, nodes);
  for (int step = 0; step < 100; ++step) balance.add(std::array{1.0, 2.0});
  EXPECT_NE(balance.owned(), (Parts{{0, 4}, {4, 8}}));
  balance.stop();
  for (int step = 0; step < 100; ++step) EXPECT_FALSE(balance.add(std::array{1.0, 2.0}));
  EXPECT_EQ(balance.owned(), (Parts{{0, 4}, {4, 8}}));
}

}  // namespace
}  // namespace lockstep
