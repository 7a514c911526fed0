#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "data_helpers.hpp"
#include <gtest/gtest.h>

#include "lockstep/optim/schedule.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;

TEST(Schedule, ConstantIsOne) {
  const Schedule schedule({.name = "constant"}, 100);
  for (const std::uint64_t step : {0U, 1U, 50U, 99U, 100U, 1000U}) EXPECT_EQ(schedule.multiplier(step), 1);
}

TEST(Schedule, CosineIsHalfAWave) {
  const Schedule schedule({.name = "cosine"}, 120);
  EXPECT_EQ(schedule.multiplier(0), 1);
  EXPECT_NEAR(schedule.multiplier(20), (1 + std::sqrt(3) / 2) / 2, 1e-15);
  EXPECT_NEAR(schedule.multiplier(40), 0.75, 1e-15);
  EXPECT_NEAR(schedule.multiplier(60), 0.5, 1e-15);
  EXPECT_NEAR(schedule.multiplier(80), 0.25, 1e-15);
  EXPECT_NEAR(schedule.multiplier(120), 0, 1e-15);
  EXPECT_NEAR(schedule.multiplier(500), 0, 1e-15);
  for (std::uint64_t step = 0; step < 120; ++step) {
    EXPECT_LT(schedule.multiplier(step + 1), schedule.multiplier(step)) << step;
    EXPECT_NEAR(schedule.multiplier(step) + schedule.multiplier(120 - step), 1, 1e-14) << step;
  }
}

TEST(Schedule, CosineEndsAtTheFinalMultiplier) {
  const Schedule schedule({.name = "cosine", .final_multiplier = 0.1}, 100);
  EXPECT_EQ(schedule.multiplier(0), 1);
  EXPECT_NEAR(schedule.multiplier(50), 0.55, 1e-15);
  EXPECT_NEAR(schedule.multiplier(100), 0.1, 1e-15);
}

TEST(Schedule, WarmUpIsLinearOverAnyShape) {
  for (const std::string& name : schedule_names()) {
    const Schedule schedule({.name = name, .warmup_steps = 8}, 100);
    for (std::uint64_t step = 0; step < 8; ++step) {
      EXPECT_EQ(schedule.multiplier(step), static_cast<double>(step + 1) / 8) << name << ", " << step;
    }
    EXPECT_EQ(schedule.multiplier(8), 1) << name;
  }
}

TEST(Schedule, CosineBeginsBehindTheWarmUp) {
  const Schedule schedule({.name = "cosine", .warmup_steps = 20}, 100);
  EXPECT_NEAR(schedule.multiplier(60), 0.5, 1e-15);
  EXPECT_NEAR(schedule.multiplier(100), 0, 1e-15);
}

TEST(Schedule, MayBeAllWarmUp) {
  for (const std::string& name : schedule_names()) {
    const Schedule schedule({.name = name, .warmup_steps = 10}, 10);
    EXPECT_EQ(schedule.multiplier(9), 1) << name;
    EXPECT_TRUE(std::isfinite(schedule.multiplier(10))) << name;
  }
}

TEST(Schedule, StaysWithinItsEndsOverVeryLongRuns) {
  const std::uint64_t steps = std::uint64_t{1} << 40U;
  const Schedule schedule({.name = "cosine", .final_multiplier = 0.25}, steps);
  for (std::uint64_t step = 1; step < steps; step *= 3) {
    EXPECT_GE(schedule.multiplier(step), 0.25);
    EXPECT_LE(schedule.multiplier(step), 1);
  }
}

TEST(Schedule, RefusesUnknownNamesAndTooLongAWarmUp) {
  EXPECT_TRUE(
      is_bad_input([] { Schedule({.name = "cosin"}, 10); }, {"schedule.name = cosin", "constant", "cosine"}));
  EXPECT_TRUE(is_bad_input([] { Schedule({.name = "constant", .warmup_steps = 11}, 10); },
                           {"schedule.warmup-steps = 11", "10 steps"}));
}

}  // namespace
}  // namespace lockstep
