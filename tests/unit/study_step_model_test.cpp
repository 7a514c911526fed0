#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

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
      const StepShape shape = shape_of(b, kMicroBatches, Nodes({static_cast<int>(p)}), {{kParameters}});
      steps.push_back({p, 1, b, shape, model.seconds(shape) * noise(steps.size())});
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

TEST(StepModel, AddsUpItsCosts) {
  const StepShape shape = {.rows = 100, .messages = 6, .bytes = 1e6, .paths = {}};
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

// Two buckets, the second of which is sent while the gradient of the first is still to come; one rank a node.
constexpr Index kFirstBucket = 400'000;
constexpr Index kLastBucket = 600'000;
constexpr double kBytes = 4e6;  // of both

StepShape on_nodes(Index batch, int nodes, int ranks = 1, double crowd = 1) {
  return shape_of(batch, 64, Nodes(std::vector<int>(static_cast<std::size_t>(nodes), ranks)),
                  {{kFirstBucket, kLastBucket}}, crowd);
}

TEST(StepModel, TakesTheBytesOverTheBandwidthBetweenNodes) {
  const StepModel model = {.step = 1e-3, .sample = 1e-5, .link_byte = 8e-9};
  for (const int nodes : {2, 4, 8, 64}) {
    const StepShape shape =
        shape_of(640, 64, Nodes(std::vector<int>(static_cast<std::size_t>(nodes), 1)), {{kParameters}});
    const double sent = 2.0 * (nodes - 1) / nodes * kBytes;
    EXPECT_DOUBLE_EQ(model.seconds(shape), 1e-3 + 640e-5 / nodes + sent * 8e-9) << nodes;
  }
}

TEST(StepModel, TakesALatencyForEachRoundOfTheTree) {
  const StepModel model = {.step = 1e-3, .sample = 0, .link_message = 1e-4};
  for (const auto& [nodes, rounds] : std::vector<std::pair<int, int>>{{2, 1}, {4, 2}, {8, 3}, {64, 6}}) {
    const StepShape shape =
        shape_of(64, 64, Nodes(std::vector<int>(static_cast<std::size_t>(nodes), 1)), {{1000}});
    EXPECT_DOUBLE_EQ(model.seconds(shape), 1e-3 + 3 * rounds * 1e-4) << nodes;
  }
}

// Of 128 rows on each of two nodes, the backward pass of the first bucket is 2 / 3 · 0.4.
TEST(StepModel, HidesTheSumsOfTheLastBucketBehindTheBackwardPassOfTheFirst) {
  const StepShape shape = on_nodes(256, 2);
  const double work = 128e-4;
  const double backward = 2.0 / 3 * 0.4 * work;
  const double sums_of_first = 0.5 * 4 * kFirstBucket;
  const double sums_of_last = 0.5 * 4 * kLastBucket;
  const double back = 0.5 * kBytes;
  const double fast = 0.5 * backward / sums_of_last;
  EXPECT_NEAR((StepModel{.sample = 1e-4, .link_byte = fast}.seconds(shape)),
              work + fast * (sums_of_first + back), 1e-12);
  const double slow = 2 * backward / sums_of_last;
  EXPECT_NEAR((StepModel{.sample = 1e-4, .link_byte = slow}.seconds(shape)),
              work - backward + slow * (sums_of_last + sums_of_first + back), 1e-12);
}

TEST(StepModel, DoesTheWorkOfRanksOnOneCoreOneAfterAnother) {
  const StepModel work = {.step = 1e-3, .sample = 1e-5, .message = 1e-5, .byte = 1e-9};
  EXPECT_DOUBLE_EQ(work.seconds(on_nodes(256, 4, 2, 3.5)), 3.5 * work.seconds(on_nodes(256, 4, 2)));
  const StepModel wire = {.link_message = 1e-4, .link_byte = 8e-9};
  EXPECT_DOUBLE_EQ(wire.seconds(on_nodes(256, 4, 2, 3.5)), wire.seconds(on_nodes(256, 4, 2)));
}

// Of the 2.5 ranks beside it on its core, each sends half of 1.5 times 4 MB.
TEST(StepModel, DoesTheNetworksWorkOfOtherRanksOnACore) {
  const StepShape shape = on_nodes(256, 4, 2, 3.5);
  const double messages = 2.5 * shape.sent_messages;
  EXPECT_GT(messages, 0);
  EXPECT_DOUBLE_EQ((StepModel{.work = {.message = 1e-4, .byte = 1e-9}}).seconds(shape),
                   1e-4 * messages + 1e-9 * 2.5 * 0.75 * kBytes);
  EXPECT_EQ((StepModel{.work = {.message = 1e-4, .byte = 1e-9}}).seconds(on_nodes(256, 4)), 0)
      << "its own is done while its messages are on the way";
}

TEST(StepModel, TakesAMessageByItself) {
  const StepModel model = {
      .step = 1, .sample = 1, .message = 1, .byte = 1, .link_message = 1e-4, .link_byte = 8e-9};
  EXPECT_DOUBLE_EQ(model.seconds(shape_of_message(1e6)), 1e-4 + 8e-3);
}

/// What `model` takes on 1 to `most` hosts that share two cores, and for messages of 64 B and 4 MB.
std::vector<TimedStep> steps_on_hosts(const StepModel& model, int most, double noise) {
  std::vector<TimedStep> steps;
  const auto add = [&](Index ranks, Index nodes, Index batch, const StepShape& shape) {
    const double factor = 1 + noise * std::sin(2.4 * static_cast<double>(steps.size()));
    steps.push_back({ranks, nodes, batch, shape, model.seconds(shape) * factor});
  };
  for (int nodes = 1; nodes <= most; ++nodes) {
    for (const Index batch : {64, 256, 1024})
      add(nodes, nodes, batch, on_nodes(batch, nodes, 1, std::max(1.0, nodes / 2.0)));
  }
  for (const double bytes : {64.0, 4e6}) add(0, 2, 0, shape_of_message(bytes));
  return steps;
}

// 1 Gbit/s, where messages take most of a step, and 100 Gbit/s, where the backward pass hides some.
constexpr StepModel kSlowLinks = {.step = 2e-3, .sample = 1e-4, .link_message = 5e-5, .link_byte = 8e-9};
constexpr StepModel kFastLinks = {.step = 2e-4, .sample = 5e-5, .link_message = 2e-5, .link_byte = 8e-11};
constexpr StepModel kBusyHosts = {.step = 2e-3,
                                  .sample = 1e-4,
                                  .link_message = 5e-5,
                                  .link_byte = 8e-9,
                                  .work = {.message = 4e-5, .byte = 6e-10}};

TEST(FitStepModel, RecoversTheCostsBetweenNodesFromTwo) {
  for (const StepModel& known : {kSlowLinks, kFastLinks, kBusyHosts}) {
    const StepModel found = fit_step_model(steps_on_hosts(known, 2, 0), known.work);
    expect_costs(found, known, 1e-6);
    EXPECT_NEAR(found.link_message, known.link_message, 1e-6 * known.link_message);
    EXPECT_NEAR(found.link_byte, known.link_byte, 1e-6 * known.link_byte);
  }
}

TEST(FromTwoNodes, PredictsMoreFromStepsOnOneAndTwo) {
  for (const StepModel& known : {kSlowLinks, kFastLinks, kBusyHosts}) {
    const std::vector<HeldOut> exact = from_two_nodes(steps_on_hosts(known, 8, 0), known.work);
    ASSERT_EQ(exact.size(), 18U) << "three batches on 3 to 8 nodes";
    EXPECT_LT(largest_error(exact), 1e-6);
    const std::vector<HeldOut> noisy = from_two_nodes(steps_on_hosts(known, 8, 0.02), known.work);
    EXPECT_LT(largest_error(noisy), 0.15);
    EXPECT_GT(largest_error(noisy), 1e-6);
  }
  EXPECT_TRUE(from_two_nodes(steps_on_hosts(kSlowLinks, 2, 0)).empty()) << "nothing to predict";
  EXPECT_TRUE(from_two_nodes(exact_steps(kKnown, {1, 2, 4}, {64})).empty()) << "one node";
}

TEST(LeaveOneOut, HoldsOutNoMessage) {
  const std::vector<HeldOut> held_out = leave_one_out(steps_on_hosts(kSlowLinks, 4, 0));
  ASSERT_EQ(held_out.size(), 12U);
  EXPECT_LT(largest_error(held_out), 1e-6);
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
