#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
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
  const Schedule schedule({.name = "cosine", .hyperparameters = {{"final", 0.1}}}, 100);
  EXPECT_EQ(schedule.multiplier(0), 1);
  EXPECT_NEAR(schedule.multiplier(50), 0.55, 1e-15);
  EXPECT_NEAR(schedule.multiplier(100), 0.1, 1e-15);
}

/// Options of `shape` with a number for what has no default.
ScheduleOptions options_of(const ScheduleShape& shape, std::uint64_t warmup_steps) {
  ScheduleOptions options{.name = shape.name, .warmup_steps = warmup_steps, .hyperparameters = {}};
  for (const Hyperparameter& h : shape.hyperparameters) {
    if (std::isnan(h.default_value)) options.hyperparameters[h.name] = 10;
  }
  return options;
}

TEST(Schedule, WarmUpIsLinearOverAnyShape) {
  for (const ScheduleShape& shape : schedule_shapes()) {
    const Schedule schedule(options_of(shape, 8), 100);
    // Only one-cycle does not begin at 1.
    const double begin = shape.name == "one-cycle" ? 0.04 : 1;
    for (std::uint64_t step = 0; step < 8; ++step) {
      EXPECT_NEAR(schedule.multiplier(step), begin * static_cast<double>(step + 1) / 8, 1e-15)
          << shape.name << ", " << step;
    }
    EXPECT_NEAR(schedule.multiplier(8), begin, 1e-15) << shape.name;
  }
}

TEST(Schedule, StepDropsEveryNSteps) {
  const Schedule schedule({.name = "step", .hyperparameters = {{"every", 30}, {"factor", 0.5}}}, 100);
  for (std::uint64_t step = 0; step < 100; ++step) {
    EXPECT_EQ(schedule.multiplier(step), step < 30 ? 1 : step < 60 ? 0.5 : step < 90 ? 0.25 : 0.125) << step;
  }
}

TEST(Schedule, PolynomialOfPowerOneIsAStraightLine) {
  const Schedule schedule({.name = "polynomial", .hyperparameters = {{"final", 0.2}}}, 80);
  for (std::uint64_t step = 0; step <= 80; ++step) {
    EXPECT_NEAR(schedule.multiplier(step), 1 - 0.01 * static_cast<double>(step), 1e-15) << step;
  }
}

TEST(Schedule, RestartsReturnToThePeak) {
  // Cycles of 10, 30, 90 steps begin at 0, 10, 40, and the next at 130.
  const Schedule schedule(
      {.name = "cosine-restarts", .hyperparameters = {{"period", 10}, {"period-factor", 3}}}, 200);
  EXPECT_EQ(schedule.multiplier(0), 1);
  for (const std::uint64_t peak : {10U, 40U, 130U}) {
    EXPECT_LT(schedule.multiplier(peak - 1), 0.03) << peak;
    EXPECT_EQ(schedule.multiplier(peak), 1) << peak;
  }
  EXPECT_NEAR(schedule.multiplier(5), 0.5, 1e-15);
  EXPECT_NEAR(schedule.multiplier(25), 0.5, 1e-15);
  EXPECT_NEAR(schedule.multiplier(85), 0.5, 1e-15);
}

TEST(Schedule, OneCycleRisesToOneAndFallsToItsEnd) {
  const Schedule schedule({.name = "one-cycle"}, 100);
  EXPECT_NEAR(schedule.multiplier(0), 0.04, 1e-15);
  EXPECT_NEAR(schedule.multiplier(29), 1, 1e-15);
  EXPECT_NEAR(schedule.multiplier(99), 4e-6, 1e-15);
  for (std::uint64_t step = 0; step < 29; ++step) {
    EXPECT_LT(schedule.multiplier(step), schedule.multiplier(step + 1)) << step;
  }
  for (std::uint64_t step = 29; step < 99; ++step) {
    EXPECT_GT(schedule.multiplier(step), schedule.multiplier(step + 1)) << step;
  }
}

TEST(BatchScale, IsTheRatioOrItsRoot) {
  EXPECT_EQ(batch_scale(BatchScaling::kNone, 1024, 256), 1);
  EXPECT_EQ(batch_scale(BatchScaling::kLinear, 1024, 256), 4);
  EXPECT_EQ(batch_scale(BatchScaling::kSqrt, 1024, 256), 2);
  EXPECT_EQ(batch_scale(BatchScaling::kLinear, 64, 256), 0.25);
}

TEST(Schedule, CosineBeginsBehindTheWarmUp) {
  const Schedule schedule({.name = "cosine", .warmup_steps = 20}, 100);
  EXPECT_NEAR(schedule.multiplier(60), 0.5, 1e-15);
  EXPECT_NEAR(schedule.multiplier(100), 0, 1e-15);
}

TEST(Schedule, SaysWhetherItDependsOnTheNumberOfSteps) {
  for (const ScheduleShape& shape : schedule_shapes()) {
    bool differs = false;
    for (std::uint64_t step = 0; step < 40; ++step) {
      differs = differs || Schedule(options_of(shape, 0), 40).multiplier(step) !=
                               Schedule(options_of(shape, 0), 90).multiplier(step);
    }
    EXPECT_EQ(differs, shape.needs_total) << shape.name;
  }
}

TEST(Schedule, MayBeAllWarmUp) {
  for (const ScheduleShape& shape : schedule_shapes()) {
    const Schedule schedule(options_of(shape, 10), 10);
    EXPECT_EQ(schedule.multiplier(9), 1) << shape.name;
    EXPECT_TRUE(std::isfinite(schedule.multiplier(10))) << shape.name;
  }
}

TEST(Schedule, StaysWithinItsEndsOverVeryLongRuns) {
  const std::uint64_t steps = std::uint64_t{1} << 40U;
  const Schedule schedule({.name = "cosine", .hyperparameters = {{"final", 0.25}}}, steps);
  for (std::uint64_t step = 1; step < steps; step *= 3) {
    EXPECT_GE(schedule.multiplier(step), 0.25);
    EXPECT_LE(schedule.multiplier(step), 1);
  }
}

TEST(Schedule, RefusesUnknownNamesAndTooLongAWarmUp) {
  EXPECT_TRUE(is_bad_input([] { Schedule({.name = "cosin"}, 10); },
                           {"schedule 'cosin': unknown", "constant", "cosine"}));
  EXPECT_TRUE(is_bad_input([] { Schedule({.name = "constant", .warmup_steps = 11}, 10); },
                           {"`warmup-steps` = 11", "10 steps"}));
}

TEST(Schedule, KnowsShapesOfOthers) {
  register_schedule_shape({.name = "half",
                           .hyperparameters = {},
                           .multiplier = [](const Hyperparameters&, double, double) { return 0.5; }});
  EXPECT_EQ(Schedule({.name = "half"}, 10).multiplier(3), 0.5);
  EXPECT_THROW(register_schedule_shape({.name = "cosine", .hyperparameters = {}}), Error);
}

}  // namespace
}  // namespace lockstep
