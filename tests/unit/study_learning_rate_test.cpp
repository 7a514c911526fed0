#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "study/learning_rate.hpp"

namespace lockstep {
namespace {

TEST(RangeTest, FindsTheSteepestFallAndTheSmallestLoss) {
  // 2 - σ((i - 100) / 10) falls fastest at 100, and a little noise does not move that far.
  std::vector<double> losses;
  losses.reserve(250);
  for (int i = 0; i < 200; ++i) losses.push_back(2 - 1 / (1 + std::exp(-(i - 100) / 10.0)) + 0.01 * (i % 3));
  for (int i = 0; i < 50; ++i) losses.push_back(1 + 0.5 * i);
  const RangeTest range = examine_range(losses);
  EXPECT_TRUE(range.has_fallen);
  EXPECT_NEAR(static_cast<double>(range.steepest), 100, 4);
  EXPECT_NEAR(static_cast<double>(range.smallest), 190, 10);
  EXPECT_GT(range.end, 200U);
  EXPECT_LT(range.end, 250U) << "4 times the smallest is too large";
}

TEST(RangeTest, OfEqualLossesHasNotFallen) {
  EXPECT_FALSE(examine_range({1, 1, 1, 1, 1}).has_fallen);
  EXPECT_FALSE(examine_range({1, 2, 3, 4}).has_fallen);
}

TEST(RangeTest, TakesTheMedianOfLossesAboutAStep) {
  std::vector<double> losses(100, 1);
  losses[50] = 1000;  // one bad batch
  EXPECT_EQ(examine_range(losses).smoothed, std::vector<double>(100, 1));
  losses.clear();
  losses.reserve(100);
  for (int i = 0; i < 100; ++i) losses.push_back(100 - i);
  EXPECT_EQ(examine_range(losses).smoothed, losses);
}

}  // namespace
}  // namespace lockstep
