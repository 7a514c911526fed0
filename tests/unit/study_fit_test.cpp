#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/random.hpp"
#include "study/batch_size/fit.hpp"

namespace lockstep {
namespace {

using Values = std::vector<double>;

const Values kBatches = {16, 64, 256, 1024, 4096, 16384};

/// S_min (1 + B_crit / B), each times a log-normal factor of its own.
Values steps(double least, double critical, double deviation, std::uint64_t draw) {
  Values values;
  for (std::size_t i = 0; i < kBatches.size(); ++i) {
    const auto numbers = normal(random_bits(draw, Purpose::kSynthetic, {i, 0, 0, 0}));
    values.push_back(least * (1 + critical / kBatches[i]) * std::exp(deviation * numbers[0]));
  }
  return values;
}

Values times_batch(Values values) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= kBatches[i];
  return values;
}

bool holds(const Estimate& estimate, double truth) { return estimate.low <= truth && truth <= estimate.high; }

void expect_near(const Estimate& estimate, double truth) {
  EXPECT_NEAR(estimate.value, truth, 1e-6 * truth);
  EXPECT_TRUE(estimate.low <= estimate.value && estimate.value <= estimate.high);
}

TEST(BatchFit, RecoversExactCurves) {
  for (const double critical : {30.0, 700.0, 9000.0}) {
    const Values s = steps(50, critical, 0, 1);
    const BatchFit of_steps(Need::kSteps, kBatches, s);
    expect_near(of_steps.least(), 50);
    expect_near(of_steps.critical_batch(), critical);
    expect_near(of_steps.at(100), 50 * (1 + critical / 100));
    EXPECT_NEAR(of_steps.deviation(), 0, 1e-6);
    const BatchFit of_samples(Need::kSamples, kBatches, times_batch(s));
    expect_near(of_samples.least(), 50 * critical);
    expect_near(of_samples.critical_batch(), critical);
    expect_near(of_samples.at(100), 50 * critical * (1 + 100 / critical));
    const TradeOff both = fit_trade_off(s, times_batch(s));
    expect_near(both.least_steps, 50);
    expect_near(both.least_samples, 50 * critical);
    expect_near(both.critical_batch, critical);
  }
}

/// How often each interval holds the truth, in 200 draws.
struct Coverage {
  int least = 0;
  int critical_batch = 0;
  int band = 0;
};

constexpr int kDraws = 200;
constexpr double kLeast = 120;
constexpr double kMiddle = 500;  // a batch between the measured ones

Coverage coverage(Need need, double critical, double deviation) {
  Coverage found;
  for (std::uint64_t draw = 1; draw <= kDraws; ++draw) {
    const Values s = steps(kLeast, critical, deviation, draw);
    const bool of_steps = need == Need::kSteps;
    const BatchFit fit(need, kBatches, of_steps ? s : times_batch(s));
    const double truth = kLeast * (1 + critical / kMiddle);
    found.least += holds(fit.least(), of_steps ? kLeast : kLeast * critical) ? 1 : 0;
    found.critical_batch += holds(fit.critical_batch(), critical) ? 1 : 0;
    found.band += holds(fit.at(kMiddle), of_steps ? truth : truth * kMiddle) ? 1 : 0;
  }
  return found;
}

/// 95 % of 200 draws and three standard deviations to both sides.
void expect_nominal(int hits) {
  EXPECT_GE(hits, 180);
  EXPECT_LE(hits, 199);
}

class BatchFitCoverageTest : public testing::TestWithParam<std::pair<double, double>> {};

TEST_P(BatchFitCoverageTest, IsThatOfTheIntervals) {
  const auto& [critical, deviation] = GetParam();
  for (const Need need : {Need::kSteps, Need::kSamples}) {
    const Coverage found = coverage(need, critical, deviation);
    expect_nominal(found.least);
    expect_nominal(found.critical_batch);
    expect_nominal(found.band);
  }
}

// Also where the critical batch lies near the smallest or the largest that was measured.
INSTANTIATE_TEST_SUITE_P(Draws, BatchFitCoverageTest,
                         testing::Values(std::pair(400.0, 0.05), std::pair(400.0, 0.25), std::pair(40.0, 0.1),
                                         std::pair(10000.0, 0.1)),
                         [](const auto& test) { return "Number" + std::to_string(test.index); });

TEST(TradeOff, IntervalsHoldTheTruthAsOftenAsTheySay) {
  std::array<int, 3> hits{};
  for (std::uint64_t draw = 1; draw <= kDraws; ++draw) {
    const Values s = steps(kLeast, 400, 0.1, draw);
    const TradeOff both = fit_trade_off(s, times_batch(s));
    hits[0] += holds(both.least_steps, kLeast) ? 1 : 0;
    hits[1] += holds(both.least_samples, kLeast * 400) ? 1 : 0;
    hits[2] += holds(both.critical_batch, 400) ? 1 : 0;
  }
  for (const int hit : hits) expect_nominal(hit);
}

TEST(BatchFit, HasNoBoundWhereOneRegimeWasNotSeen) {
  // Perfect scaling alone: nothing bounds the critical batch from above, nor the steps from below.
  const BatchFit scaling(Need::kSteps, kBatches, steps(1e-3, 1e8, 0.1, 3));
  EXPECT_TRUE(std::isinf(scaling.critical_batch().high));
  EXPECT_GT(scaling.critical_batch().low, 16384);
  EXPECT_LT(scaling.least().low, 1e-3);
  // The plateau alone.
  const BatchFit plateau(Need::kSteps, kBatches, steps(80, 1e-3, 0.1, 3));
  EXPECT_EQ(plateau.critical_batch().low, 0);
  EXPECT_LT(plateau.critical_batch().high, 16);
  EXPECT_TRUE(holds(plateau.least(), 80));
}

TEST(BatchFit, SaysNothingOfTheErrorOfTwoMeasurements) {
  const BatchFit fit(Need::kSteps, {16, 256}, {4000, 300});
  EXPECT_NEAR(fit.at(16).value, 4000, 1e-3);
  EXPECT_NEAR(fit.at(256).value, 300, 1e-4);
  EXPECT_EQ(fit.critical_batch().low, 0);
  EXPECT_TRUE(std::isinf(fit.critical_batch().high));
  EXPECT_EQ(fit.deviation(), 0);
}

TEST(BatchFit, GivesTheDeviationOfTheNoise) {
  double sum = 0;
  for (std::uint64_t draw = 1; draw <= kDraws; ++draw) {
    sum += std::pow(BatchFit(Need::kSteps, kBatches, steps(kLeast, 400, 0.1, draw)).deviation(), 2) / kDraws;
  }
  EXPECT_NEAR(std::sqrt(sum), 0.1, 0.01);
}

}  // namespace
}  // namespace lockstep
