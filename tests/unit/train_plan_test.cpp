#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/train/training_plan.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;

TEST(TrainingPlan, CountsStepsOfWholeAndRaggedEpochs) {
  const TrainingPlan plan =
      plan_training(blobs({{"train.batch-size", "32"}, {"train.epochs", "3"}}).training, 100);
  EXPECT_EQ(plan.batch_size, 32);
  EXPECT_EQ(plan.steps_per_epoch, 4);
  EXPECT_EQ(plan.total_steps, 12U);
  EXPECT_EQ(
      plan_training(blobs({{"train.batch-size", "full"}, {"train.epochs", "3"}}).training, 100).total_steps,
      3U);
  EXPECT_EQ(plan_training(blobs({{"train.steps", "7"}}).training, 100).total_steps, 7U);
}

TEST(TrainingPlan, AutomaticBatchesAreSmallForFewSamples) {
  const auto size = [](Index samples) { return plan_training(TrainingOptions{}, samples).batch_size; };
  EXPECT_EQ(size(60000), 256);
  EXPECT_EQ(size(5120), 256) << "20 batches";
  EXPECT_EQ(size(5119), 128);
  EXPECT_EQ(size(713), 32);
  EXPECT_EQ(size(150), 8);
  EXPECT_EQ(size(5), 5);
}

TEST(TrainingPlan, TellsWhereEpochsEnd) {
  const TrainingPlan plan =
      plan_training(blobs({{"train.batch-size", "32"}, {"train.steps", "10"}}).training, 100);  // 4 an epoch
  const std::vector<std::uint64_t> ends = {4, 4, 4, 4, 8, 8, 8, 8, 10, 10};
  for (std::uint64_t done = 0; done < 10; ++done) EXPECT_EQ(plan.next_epoch_end(done), ends[done]);
}

TEST(TrainingPlan, ScalesTheLearningRateWithTheBatch) {
  const auto rate = [](const std::string& scaling, const std::string& batch) {
    return plan_training(blobs({{"schedule.scaling", scaling},
                                {"schedule.reference-batch", "16"},
                                {"train.batch-size", batch},
                                {"optimizer.learning-rate", "0.5"}})
                             .training,
                         100)
        .learning_rate;
  };
  EXPECT_EQ(rate("linear", "64"), 2);
  EXPECT_EQ(rate("sqrt", "64"), 1);
  EXPECT_EQ(rate("linear", "4"), 0.125);
  EXPECT_EQ(rate("linear", "full"), 3.125);
  EXPECT_EQ(plan_training(blobs({{"optimizer.learning-rate", "0.5"}}).training, 100).learning_rate, 0.5);
}

TEST(TrainingPlan, IsWhatTheTrainerDoes) {
  test::TrainingRun run(blobs({{"schedule.scaling", "linear"},
                               {"schedule.reference-batch", "8"},
                               {"optimizer.learning-rate", "0.01"}}));
  EXPECT_DOUBLE_EQ(run.trainer.step().learning_rate, 0.04);
}

TEST(Trainer, KeepsAnAverageBesideTheWeights) {
  test::TrainingRun run(blobs({{"optimizer.average", "0.5"}, {"train.steps", "2"}}));
  run.trainer.step();
  const std::span<const Real> weights = run.trainer.network().parameters();
  const std::vector<Real> first(weights.begin(), weights.end());
  run.trainer.step();
  const std::vector<Real> second(weights.begin(), weights.end());
  run.trainer.with_average([&] {
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(weights[i], (first[i] + second[i]) / 2, 1e-6);
  });
  EXPECT_TRUE(std::equal(second.begin(), second.end(), weights.begin()));
}

}  // namespace
}  // namespace lockstep
