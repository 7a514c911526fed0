#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/weights.hpp"
#include "study/batch_size/batch_fits.hpp"
#include "study/batch_size/target_run.hpp"
#include "study/numbers.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::is_bad_input;
using test::Texts;
using test::TrainingRun;

constexpr double kNoLimit = 1e6;

TEST(Target, IsALossOrAnAccuracy) {
  const Target loss = parse_target(" loss = 0.45 ");
  EXPECT_EQ(loss.text(), "loss=0.45");
  EXPECT_NEAR(loss.shortfall(0.5), 0.05, 1e-15);
  const Target accuracy = parse_target("accuracy=1");
  EXPECT_EQ(accuracy.text(), "accuracy=1");
  EXPECT_EQ(accuracy.shortfall(0.75), 0.25);
  EXPECT_EQ(accuracy.measured({.samples = 4, .loss = 2, .accuracy = 0.75}), 0.75);
  EXPECT_EQ(loss.measured({.samples = 4, .loss = 2, .accuracy = 0.75}), 2);
  accuracy.check(Task::kMultiLabel);
  loss.check(Task::kRegression);
  EXPECT_TRUE(is_bad_input([&] { accuracy.check(Task::kRegression); }, {"a regression has no accuracy"}));
}

TEST(Target, IsRefusedWhereItCannotBeReached) {
  for (const std::string text :
       {"", "0.45", "loss", "loss=", "loss=low", "loss=1=2", "error=0.1", "Loss=0.4"}) {
    EXPECT_TRUE(is_bad_input([&] { parse_target(text); }, {"--target " + text + ": expected"})) << text;
  }
  for (const std::string text : {"loss=0", "loss=-1", "loss=nan", "loss=inf", "accuracy=0", "accuracy=1.5",
                                 "accuracy=nan", "accuracy=-0.1"}) {
    EXPECT_TRUE(is_bad_input([&] { parse_target(text); }, {"--target " + text + ": cannot be reached"}))
        << text;
  }
}

TargetRun train(const Texts& changes, const Target& target, double most_steps = kNoLimit) {
  TrainingRun run(blobs(changes));
  return train_to_target(
      run.config, *run.problem, target, all_of(*run.problem->test), most_steps, *run.communicator,
      [](const TargetEvaluation& /*seen*/) {}, [](const StepReport&, const TrainingPlan&) {});
}

// 200 samples in batches of 32: the seventh step of an epoch has 8.
TEST(TargetRun, IsInterpolatedBetweenItsLastEvaluations) {
  TrainingRun plain(blobs({{"optimizer.learning-rate", "0.005"}}));
  std::vector<double> losses = {plain.trainer.evaluate(all_of(*plain.problem->test)).loss};
  std::vector<double> samples = {0};
  for (int step = 1; step <= 12; ++step) {
    samples.push_back(samples.back() + static_cast<double>(plain.trainer.step().samples));
    losses.push_back(plain.trainer.evaluate(all_of(*plain.problem->test)).loss);
  }
  EXPECT_EQ(samples[7], 200);
  for (const std::size_t step : {1U, 7U, 12U}) {
    ASSERT_LT(losses[step], losses[step - 1]);
    const Target target{.value = 0.75 * losses[step - 1] + 0.25 * losses[step]};
    const TargetRun run = train({{"optimizer.learning-rate", "0.005"}}, target);
    ASSERT_TRUE(run.reached());
    const double part = step == 1 ? 1 : 0.25;  // no training takes less than its first step
    EXPECT_NEAR(run.steps, static_cast<double>(step) - 1 + part, 1e-9);
    EXPECT_NEAR(run.samples, (1 - part) * samples[step - 1] + part * samples[step], 1e-9);
    EXPECT_EQ(run.steps_done, step);
    EXPECT_EQ(run.measured, losses[step]);
    EXPECT_GT(run.seconds, 0);
  }
}

TEST(TargetRun, IsEvaluatedAfterEachSixteenthOfItsSteps) {
  TrainingRun run(blobs({{"train.epochs", "100"}}));
  std::vector<std::uint64_t> steps;
  train_to_target(
      run.config, *run.problem, {.value = 1e-9}, all_of(*run.problem->test), 50, *run.communicator,
      [&](const TargetEvaluation& seen) { steps.push_back(seen.step); },
      [](const StepReport&, const TrainingPlan&) {});
  std::vector<std::uint64_t> expected(33);
  for (std::size_t step = 0; step < expected.size(); ++step) expected[step] = step;
  for (const std::uint64_t step : {34, 36, 38, 40, 42, 44, 46, 48, 50}) expected.push_back(step);
  EXPECT_EQ(steps, expected);
}

TEST(TargetRun, EndsAtItsLimitOrWhereItDiverges) {
  const TargetRun stopped = train({}, {.value = 1e-9}, 5);
  EXPECT_EQ(stopped.end, TargetRun::End::kStopped);
  EXPECT_EQ(stopped.steps, 5);
  EXPECT_EQ(stopped.samples, 5 * 32);
  TrainingRun same(blobs());
  for (int step = 0; step < 5; ++step) same.trainer.step();
  EXPECT_EQ(stopped.weights_digest, weights_digest(same.trainer.network()));

  const TargetRun diverged =
      train({{"optimizer.learning-rate", "100000"}, {"train.epochs", "1000"}}, {.value = 1e-9});
  EXPECT_EQ(diverged.end, TargetRun::End::kDiverged);
}

TEST(TargetRun, RefusesATargetThatTakesNoTraining) {
  EXPECT_TRUE(
      is_bad_input([] { train({}, {.value = 50}); }, {"--target loss=50: the initial weights reach it"}));
}

/// A training at this batch with ranges of `steps` steps of these scales.
TargetRun with_noise(Index batch_size, const std::vector<std::pair<double, double>>& steps_and_scales) {
  TargetRun run{.batch_size = batch_size, .weights_digest = {}};
  for (const auto& [steps, scale] : steps_and_scales) {
    run.noise.push_back({.steps = steps, .square = 0.5, .variance = 0.5 * scale, .samples = 0});
  }
  return run;
}

// McCandlish et al., arXiv 1812.06162, appendix D: E_min / S_min = ∫ noise ds / ∫ ds over the progress s.
TEST(PredictedCriticalBatch, WeighsTheNoiseScaleWithTheProgress) {
  for (const Index batch : {1, 50, 10000}) {
    EXPECT_NEAR(predicted_critical_batch({with_noise(batch, {{1, 50}, {7, 50}})}), 50, 1e-9);
  }
  // Progress 4 / (1 + 1) = 2 and 8 / (1 + 3) = 2.
  EXPECT_NEAR(predicted_critical_batch({with_noise(10, {{4, 10}, {8, 30}})}), 20, 1e-12);
  // With a batch far above the scale every step counts the same.
  EXPECT_NEAR(predicted_critical_batch({with_noise(1000000000, {{1, 10}, {3, 30}})}), 25, 1e-5);
}

TEST(PredictedCriticalBatch, TakesStepsWithoutASeenGradientForNoise) {
  TargetRun run = with_noise(10, {{4, 10}, {8, 30}});
  run.noise.back().square = -1;
  EXPECT_TRUE(std::isinf(noise_scale(run.noise.back())));
  EXPECT_NEAR(predicted_critical_batch({run}), (2 * 10 + 8 * 10) / 2.0, 1e-12);
  EXPECT_TRUE(std::isnan(predicted_critical_batch({TargetRun{.batch_size = 1, .weights_digest = {}}})));
}

TEST(PredictedCriticalBatch, AddsUpTheSeeds) {
  TargetRun a = with_noise(10, {{4, 10}});
  TargetRun b = with_noise(10, {{3, 10}, {8, 30}});
  a.noise[0].variance = 20;
  b.noise[0].variance = 0;
  b.noise[0].square = 1.5;
  EXPECT_NEAR(predicted_critical_batch({a, b}), 20, 1e-12) << "the scale of the first range is 20 / 2";
}

TEST(Range, IsMedianAndOutermost) {
  const Range odd = range_of({5, 1, kInfinity});
  EXPECT_EQ(odd.median, 5);
  EXPECT_EQ(odd.low, 1);
  EXPECT_EQ(odd.high, kInfinity);
  EXPECT_EQ(range_of({4, 1, 2, 9}).median, 3);
  EXPECT_EQ(range_of({7}).median, 7);
}

TEST(Regime, IsByTheQuarterThatATrainingTakesMore) {
  EXPECT_EQ(regime(100, 400), "perfect scaling");
  EXPECT_EQ(regime(101, 400), "diminishing returns");
  EXPECT_EQ(regime(1599, 400), "diminishing returns");
  EXPECT_EQ(regime(1600, 400), "plateau");
}

}  // namespace
}  // namespace lockstep
