#include <cmath>

#include <gtest/gtest.h>

#include "lockstep/core/real.hpp"
#include "study/scaling/step_model.hpp"

namespace lockstep {
namespace {

constexpr Index kMicroBatches = 8;
constexpr Index kParameters = 1'000'000;

/// Times of `model` itself, with the factor that `noise` gives the i-th.
template <typename Noise>
std::vector<TimedStep> steps_of(const StepModel& model, const std::vector<Index>& ranks,
                                const std::vector<Index>& batches, const Noise& noise) {
  std::vector<TimedStep> steps;
  for (const Index p : ranks) {
    for (const Index b : batches) {
      const StepShape shape = shape_of(b, kMicroBatches, p, kParameters);
      steps.push_back({p, b, shape, model.seconds(shape) * noise(steps.size())});
    }
  }
  return steps;
}

std::vector<TimedStep> exact_steps(const StepModel& model, const std::vector<Index>& ranks,
                                   const std::vector<Index>& batches) {
  return steps_of(model, ranks, batches, [](std::size_t) { return 1.0; });
}

void expect_costs(const StepModel& found, const StepModel& expected, double tolerance) {
  EXPECT_NEAR(found.step, expected.step, tolerance * expected.step);
  EXPECT_NEAR(found.sample, expected.sample, tolerance * expected.sample);
  EXPECT_NEAR(found.message, expected.message, tolerance * expected.message);
  EXPECT_NEAR(found.byte, expected.byte, tolerance * expected.byte);
}

// 0.5 ms a step, 20 µs a sample, 5 µs a message, 2 GB/s.
constexpr StepModel kKnown = {.step = 5e-4, .sample = 2e-5, .message = 5e-6, .byte = 5e-10};

TEST(StepShape, IsThatOfTheSlowestRankAndOfReduceScatterAndAllGather) {
  const double bytes = static_cast<double>(kParameters) * sizeof(Real);
  const StepShape one = shape_of(256, 8, 1, kParameters);
  EXPECT_EQ(one.rows, 256);
  EXPECT_EQ(one.messages, 0);
  EXPECT_EQ(one.bytes, 0);
  const StepShape four = shape_of(256, 8, 4, kParameters);
  EXPECT_EQ(four.rows, 64);
  EXPECT_EQ(four.messages, 6);
  EXPECT_DOUBLE_EQ(four.bytes, 1.5 * bytes);
  EXPECT_EQ(shape_of(256, 8, 3, kParameters).rows, 96)
      << "eight micro-batches of 32 on three ranks: 2, 3 and 3";
  EXPECT_EQ(shape_of(13, 8, 8, kParameters).rows, 2) << "micro-batches of one and two samples";
  EXPECT_EQ(shape_of(3, 8, 8, kParameters).rows, 1);
  EXPECT_EQ(shape_of(256, 8, 16, kParameters).rows, 16)
      << "more ranks than micro-batches: as with 16 of them";
  EXPECT_EQ(shape_of(96, 8, 12, kParameters).rows, 12) << "16 micro-batches of 6 on 12 ranks: some have two";
}

TEST(StepModel, AddsUpItsCosts) {
  const StepShape shape = {.rows = 100, .messages = 6, .bytes = 1e6};
  EXPECT_DOUBLE_EQ(kKnown.seconds(shape), 5e-4 + 2e-3 + 3e-5 + 5e-4);
  EXPECT_DOUBLE_EQ(kKnown.exchange(shape), 3e-5 + 5e-4);
}

TEST(FitStepModel, RecoversKnownCosts) {
  expect_costs(fit_step_model(exact_steps(kKnown, {1, 2, 3, 4, 8}, {64, 256, 1024})), kKnown, 1e-9);
  const StepModel network = {.step = 1e-3, .sample = 1e-6, .message = 2e-4, .byte = 8e-9};
  expect_costs(fit_step_model(exact_steps(network, {1, 2, 4}, {64, 1024})), network, 1e-9);
}

TEST(FitStepModel, IsNearThemWhereTimesAreNoisy) {
  const auto noise = [](std::size_t i) { return 1 + 0.02 * std::sin(2.4 * static_cast<double>(i)); };
  const StepModel known = {.step = 5e-4, .sample = 2e-5, .message = 1e-4, .byte = 2e-10};
  const StepModel found = fit_step_model(steps_of(known, {1, 2, 3, 4, 5, 6, 7, 8}, {32, 128, 512}, noise));
  expect_costs(found, known, 0.15);
  EXPECT_NE(found.step, known.step);
}

TEST(FitStepModel, HasNoCostBelowZero) {
  // Times that fall with the bytes ask for a negative cost, were it allowed.
  std::vector<TimedStep> steps = exact_steps({.step = 1e-3, .sample = 1e-5}, {1, 2, 4, 8}, {64, 256});
  for (TimedStep& step : steps) step.seconds /= 1 + 0.05 * std::log2(static_cast<double>(step.ranks));
  const StepModel found = fit_step_model(steps);
  EXPECT_EQ(found.byte, 0);
  EXPECT_EQ(found.message, 0);
  EXPECT_GT(found.sample, 0);
}

// The conditions of Karush, Kuhn and Tucker: the error's slope is 0 at a positive cost and not below 0 at one
// of 0.
TEST(FitStepModel, IsTheBestOfAllCostsAboveZero) {
  const auto noise = [](std::size_t i) { return 1 + 0.3 * std::cos(1.7 * static_cast<double>(i * i)); };
  for (const StepModel& model :
       {kKnown, StepModel{.step = 1e-4, .sample = 1e-6, .message = 0, .byte = 1e-12}}) {
    const std::vector<TimedStep> steps = steps_of(model, {1, 2, 3, 4, 5, 8}, {32, 128, 512}, noise);
    const StepModel found = fit_step_model(steps);
    const auto slope = [&](auto amount) {
      double sum = 0;
      double size = 0;
      for (const TimedStep& step : steps) {
        const double a = amount(step.shape) / step.seconds;
        sum += a * (found.seconds(step.shape) / step.seconds - 1);
        size += a;
      }
      return sum / size;
    };
    const auto check = [&](double cost, double slope_there) {
      if (cost > 0) {
        EXPECT_NEAR(slope_there, 0, 1e-10);
      } else {
        EXPECT_GE(slope_there, 0);
      }
    };
    check(found.step, slope([](const StepShape&) { return 1.0; }));
    check(found.sample, slope([](const StepShape& s) { return s.rows; }));
    check(found.message, slope([](const StepShape& s) { return s.messages; }));
    check(found.byte, slope([](const StepShape& s) { return s.bytes; }));
  }
}

TEST(FitStepModel, CountsExchangeAsBytesWhereTheyCannotBeTold) {
  const std::vector<TimedStep> steps = exact_steps(kKnown, {1, 2}, {64, 256, 1024});
  const StepModel found = fit_step_model(steps);
  EXPECT_EQ(found.message, 0);
  EXPECT_NEAR(found.exchange(steps.back().shape), kKnown.exchange(steps.back().shape), 1e-12);
  EXPECT_NEAR(found.step, kKnown.step, 1e-12);
}

TEST(FitStepModel, TakesOneStep) {
  const std::vector<TimedStep> steps = exact_steps(kKnown, {1}, {256});
  EXPECT_DOUBLE_EQ(fit_step_model(steps).seconds(steps[0].shape), steps[0].seconds);
}

TEST(LeaveOneOut, PredictsEachRankCountFromTheOthers) {
  const std::vector<TimedStep> steps = exact_steps(kKnown, {1, 2, 3, 4, 8}, {64, 256});
  const std::vector<HeldOut> exact = leave_one_out(steps);
  ASSERT_EQ(exact.size(), steps.size());
  for (const HeldOut& one : exact) EXPECT_NEAR(one.error(), 0, 1e-9) << one.step.ranks;

  std::vector<TimedStep> off = steps;
  for (TimedStep& step : off) {
    if (step.ranks == 8) step.seconds *= 2;
  }
  for (const HeldOut& one : leave_one_out(off)) {
    if (one.step.ranks != 8) continue;
    EXPECT_NEAR(one.error(), -0.5, 1e-9) << "the held-out times have no part in it";
  }
  EXPECT_TRUE(leave_one_out(exact_steps(kKnown, {2}, {64, 256})).empty());
}

TEST(SerialShare, IsAmdahls) {
  const auto times = [](double s, const std::vector<Index>& ranks) {
    std::vector<double> seconds;
    seconds.reserve(ranks.size());
    for (const Index p : ranks) seconds.push_back(3 * (s + (1 - s) / static_cast<double>(p)));
    return seconds;
  };
  const std::vector<Index> ranks = {1, 2, 3, 8};
  for (const double s : {0.0, 0.05, 0.5, 1.0}) EXPECT_NEAR(serial_share(ranks, times(s, ranks)), s, 1e-12);
  EXPECT_EQ(serial_share({1, 2}, {1, 1.5}), 1) << "slower than one rank";
  EXPECT_EQ(serial_share({1, 2}, {1, 0.4}), 0) << "faster than ideal";
  EXPECT_EQ(serial_share({1}, {1}), 0);
}

}  // namespace
}  // namespace lockstep
