#include <cmath>

#include <gtest/gtest.h>

#include "study/scaling/time_to_target.hpp"

namespace lockstep {
namespace {

/// 100 steps at least, a critical batch of 400; 1 ms a step and 10 µs a sample, nothing for exchange.
TargetModel ideal() {
  return {.least_steps = 100,
          .critical_batch = 400,
          .cluster = {.model = {.step = 1e-3, .sample = 1e-5}, .link = {}},
          .micro_batches = 8,
          .traffic = {.buckets = {1000}},
          .measured_steps = {{400, 210}},
          .measured_step_seconds = {{{2, 400}, 0.0031}}};
}

TEST(TargetModel, NeedsTheStepsOfTheNoiseScalesLaw) {
  EXPECT_DOUBLE_EQ(ideal().steps(400), 200) << "twice the least at the critical batch";
  EXPECT_DOUBLE_EQ(ideal().steps(1), 40'100);
  EXPECT_DOUBLE_EQ(ideal().steps(40'000), 101);
}

TEST(PredictTargets, MultipliesStepsAndTheTimeOfAStep) {
  const std::vector<TargetCell> cells = predict_targets(ideal(), {1, 2}, {400, 800});
  ASSERT_EQ(cells.size(), 4U);
  const TargetCell& cell = cells[2];
  EXPECT_EQ(cell.ranks, 2);
  EXPECT_EQ(cell.batch_size, 400);
  EXPECT_DOUBLE_EQ(cell.steps, 200);
  EXPECT_DOUBLE_EQ(cell.step_seconds, 0.003) << "200 rows a rank";
  EXPECT_DOUBLE_EQ(cell.seconds(), 0.6);
  EXPECT_DOUBLE_EQ(cell.core_seconds(), 1.2);
  EXPECT_TRUE(cell.has_measured_steps && cell.has_measured_step_seconds);
  EXPECT_TRUE(cells[0].has_measured_steps && !cells[0].has_measured_step_seconds);
  EXPECT_FALSE(cells[3].has_measured_steps || cells[3].has_measured_step_seconds);
}

TEST(PredictTargets, CountsACoreForEveryThread) {
  TargetModel model = ideal();
  model.threads = 3;
  const TargetCell cell = predict_targets(model, {2}, {400}).at(0);
  EXPECT_DOUBLE_EQ(cell.seconds(), 0.6);
  EXPECT_DOUBLE_EQ(cell.core_seconds(), 3.6);
}

// T(B) = S_min (1 + B_crit / B) (a + w B) is least where its slope w - a B_crit / B² is 0: at √(a B_crit /
// w), 200 here.
TEST(Cheapest, IsTheBatchThatBalancesStepsAndSamples) {
  std::vector<Index> batches;
  for (Index batch = 8; batch <= 4096; batch += 8) batches.push_back(batch);
  const std::vector<TargetCell> alone = predict_targets(ideal(), {1}, batches);
  EXPECT_EQ(cheapest(alone).batch_size, 200);
  EXPECT_EQ(fastest(alone).batch_size, 200);
  EXPECT_NEAR(cheapest(alone).seconds(), 100 * std::pow(std::sqrt(1e-3) + std::sqrt(400 * 1e-5), 2), 1e-12);

  // More ranks take larger batches, √(P a B_crit / w), and cost more: each of them pays for its own 1 ms a
  // step.
  const std::vector<TargetCell> cells = predict_targets(ideal(), {1, 4}, batches);
  EXPECT_EQ(fastest(cells).ranks, 4);
  EXPECT_EQ(fastest(cells).batch_size, 400);
  EXPECT_EQ(cheapest(cells).ranks, 1);
  const std::vector<TargetCell> best = fastest_of_each(cells);
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].batch_size, 200);
  EXPECT_EQ(best[1].batch_size, 400);
}

TEST(Cheapest, IsTheFasterOfThoseThatCostAlike) {
  TargetModel model = ideal();
  model.cluster.model.step = 0;  // perfect scaling: a sample costs the same on any rank
  const std::vector<TargetCell> cells = predict_targets(model, {1, 2, 8}, {64});
  EXPECT_EQ(cheapest(cells).ranks, 8);
}

}  // namespace
}  // namespace lockstep
