// Pictures that change in training, and there alone.

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "idx_files.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/weights.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::is_bad_input;
using test::TemporaryFolder;
using test::Texts;
using test::TrainingRun;

class AugmentedTraining : public testing::Test {
 protected:
  AugmentedTraining() { test::write_pictures(folder_); }

  Config config(const std::string& augment, Texts changes = {}) const {
    changes.insert({{"data.source", folder_.path().string()},
                    {"model.layers", "conv 5 3 pad=1, tanh, flatten, linear 3"},
                    {"data.augment", augment}});
    return blobs(changes);
  }

 private:
  TemporaryFolder folder_;
};

const std::string kAll = "crop 2, flip, brightness 0.3, contrast 0.3, cutout 2";

TEST_F(AugmentedTraining, TakesEverySampleAsSeedEpochAndSampleSay) {
  const TrainingRun run(config(kAll, {{"train.seed", "5"}, {"data.validation", "0.1"}}));
  const Problem& problem = *run.problem;
  const Sampler sampler(5, 81, 32);
  std::vector<std::vector<Real>> epochs;
  for (std::uint64_t step = 0; step < 6; ++step) {
    const GlobalBatch global = sampler.batch(step);
    Batch rows;
    gather_rows(problem, sampler, global, {3, global.size}, rows);
    Batch expected;
    expected.samples = rows.samples;
    gather(problem.training, problem.normalization, expected,
           {.changes = augmentation_from_text(kAll), .seed = 5, .epoch = step / 3});
    EXPECT_EQ(rows.features, expected.features);
    EXPECT_EQ(rows.labels, expected.labels);
    gather(problem.training, problem.normalization, expected);
    EXPECT_NE(rows.features, expected.features);
  }
}

TEST_F(AugmentedTraining, HasTheGradientOfItsPictures) {
  TrainingRun run(config(kAll));
  TrainingRun plain(config(""));
  for (int step = 0; step < 4; ++step) {
    const std::vector<Real> gradient = run.trainer.gradient_of(run.trainer.steps_done());
    const std::vector<Real> expected = run.trainer.plain_gradient();
    const std::vector<Real> other = plain.trainer.gradient_of(run.trainer.steps_done());
    double off = 0;
    double far = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      off = std::max(off, std::abs(static_cast<double>(gradient[i]) - expected[i]));
      far = std::max(far, std::abs(static_cast<double>(gradient[i]) - other[i]));
    }
    EXPECT_LT(off, 1e-5) << step;
    EXPECT_GT(far, 1e-3) << step;
    run.trainer.step();
    plain.trainer.step();
  }
}

TEST_F(AugmentedTraining, EvaluatesPicturesAsTheyAre) {
  TrainingRun run(config(kAll, {{"data.validation", "0.2"}, {"optimizer.learning-rate", "0"}}));
  TrainingRun plain(config("", {{"data.validation", "0.2"}, {"optimizer.learning-rate", "0"}}));
  for (TrainingRun* const one : {&run, &plain}) one->trainer.step();
  const auto expect_same = [&](const Selection& mine, const Selection& other) {
    const Evaluation augmented = run.trainer.evaluate(mine);
    const Evaluation expected = plain.trainer.evaluate(other);
    EXPECT_EQ(augmented.loss, expected.loss);
    EXPECT_EQ(augmented.accuracy, expected.accuracy);
  };
  expect_same(training_part(*run.problem), training_part(*plain.problem));
  const auto parts = held_out_parts(*run.problem);
  ASSERT_EQ(parts.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) expect_same(parts[i].second, held_out_parts(*plain.problem)[i].second);
}

TEST_F(AugmentedTraining, IsTheSameMadeInCppOrByThreads) {
  const Config given = config(kAll);
  TrainingRun run(given);
  Problem problem = make_problem(
      [&] { return read_source(given.data.source); },
      {.augmentation = {Crop{2}, Flip{}, Brightness{0.3}, Contrast{0.3}, Cutout{2}}}, *run.communicator);
  TrainingRun made(config("", {{"train.threads", "3"}}), std::move(problem));
  for (TrainingRun* const one : {&run, &made}) {
    set_threads(one->config.training.threads);
    for (int step = 0; step < 5; ++step) one->trainer.step();
  }
  set_threads(1);
  EXPECT_EQ(weights_digest(run.trainer.network()), weights_digest(made.trainer.network()));
}

TEST_F(AugmentedTraining, IsASettingWrittenInOneForm) {
  const auto facts = facts_of(config(" flip,crop  2 edge"));
  EXPECT_EQ(facts.at("data.augment"), "flip, crop 2 edge");
  EXPECT_FALSE(facts_of(config("")).contains("data.augment"));
}

TEST_F(AugmentedTraining, RefusesChangesThatDoNotFit) {
  EXPECT_TRUE(is_bad_input([&] { config("crop"); },
                           {"data.augment = crop (on the command line): expected 'crop PAD [edge]'"}));
  EXPECT_TRUE(is_bad_input([&] { const TrainingRun run(config("crop 5")); }, {"'crop 5'", "6 x 5"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        const TrainingRun run(blobs({{"data.augment", "flip"}}));
      },
      {"`augment` = flip", "blobs"}));
}

}  // namespace
}  // namespace lockstep
