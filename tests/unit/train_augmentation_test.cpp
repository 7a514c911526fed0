// Pictures that change in training, and there alone.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "data_helpers.hpp"
#include "idx_files.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/weights.hpp"
#include "train/evaluation/drawn_pictures.hpp"
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

TEST_F(AugmentedTraining, MixesSamplesOfOneGlobalBatch) {
  const TrainingRun run(config("mixup 0.5", {{"train.seed", "5"}, {"data.validation", "0.1"}}));
  const Problem& problem = *run.problem;
  for (const Index batch_size : {1, 2, 7, 81}) {
    const Sampler sampler(5, 81, batch_size);
    const GlobalBatch global = sampler.batch(1);
    Batch whole;
    gather_rows(problem, sampler, global, {0, global.size}, whole);
    ASSERT_EQ(whole.partners.size(), static_cast<std::size_t>(global.size));
    for (Index row = 0; row < global.size; ++row) {
      const auto i = static_cast<std::size_t>(row);
      EXPECT_NE(std::ranges::find(whole.samples, whole.partners[i]), whole.samples.end());
      EXPECT_EQ(whole.partners[i] == whole.samples[i], global.size == 1);
      Batch alone;
      gather_rows(problem, sampler, global, {row, row + 1}, alone);
      EXPECT_EQ(alone.partners[0], whole.partners[i]);
      EXPECT_EQ(alone.shares[0], whole.shares[i]);
      const auto first = whole.features.begin() + row * 30;
      EXPECT_EQ(alone.features, std::vector<Real>(first, first + 30));
    }
  }
}

TEST_F(AugmentedTraining, HasTheGradientOfItsPictures) {
  TrainingRun run(config(kAll + ", mixup 0.5"));
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
  EXPECT_EQ(facts_of(config("")).at("data.augment"), "none");
}

TEST_F(AugmentedTraining, ShowsSamplesAsTheFirstEpochsTakeThem) {
  const TrainingRun run(config("flip, mixup 0.2", {{"data.validation", "0.1"}}));
  const Problem& problem = *run.problem;
  const auto shown = augmented_samples(problem, 1);
  EXPECT_EQ(shown.at("augment"), "flip");
  ASSERT_EQ(shown.at("pictures").size(), 32U);
  int mirrored = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const auto& picture = shown["pictures"][i];
    const Index sample = problem.split.training(static_cast<Index>(i / 4));
    EXPECT_EQ(picture.at("sample"), sample);
    EXPECT_EQ(picture.at("epoch"), i % 4 + 1);
    EXPECT_EQ(picture.at("label"), std::to_string(sample % 3));
    EXPECT_EQ(picture.at("width"), 5);
    EXPECT_EQ(picture.at("height"), 6);
    const auto stored = problem.training.bytes().subspan(static_cast<std::size_t>(sample) * 30, 30);
    std::vector<std::uint8_t> mirror(stored.begin(), stored.end());
    for (auto row = mirror.begin(); row != mirror.end(); row += 5) std::reverse(row, row + 5);
    const bool is_mirrored = picture.at("pixels") == base64(std::as_bytes(std::span(mirror)));
    EXPECT_NE(is_mirrored, picture.at("pixels") == base64(std::as_bytes(stored)));
    mirrored += is_mirrored ? 1 : 0;
  }
  EXPECT_GT(mirrored, 4);
  EXPECT_LT(mirrored, 28);
  const TrainingRun mixed(config("mixup 0.2"));
  EXPECT_TRUE(augmented_samples(*mixed.problem, 1).is_null());
}

/// Weighs all samples alike, but says that it weighs them.
class WeighingLoss final : public Loss {
 public:
  bool has_weights() const override { return true; }
  double weight(const Targets& /*targets*/, Index /*row*/) const override { return 1; }

 private:
  double row(std::span<const Real> /*outputs*/, const Targets& /*targets*/, Index /*row*/,
             Real* /*gradient*/) const override {
    return 0;
  }
};

TEST_F(AugmentedTraining, MixesNoWeighedSamples) {
  const Config mixed = config("mixup 0.5");
  Problem problem = make_problem(mixed, *make_single_communicator());
  problem.use_loss("weighing", std::make_shared<WeighingLoss>());
  EXPECT_TRUE(is_bad_input([&] { const TrainingRun run(mixed, std::move(problem)); },
                           {"`augment` = mixup 0.5", "weighs its samples"}));
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
