#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/data/batch.hpp"
#include "lockstep/data/synthetic.hpp"
#include "nn_helpers.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::Texts;
using test::TrainingRun;

/// One sample after another: the outputs of the network, and what they should be.
template <typename Action>
void for_each_sample(const TrainingRun& run, const Selection& selection, Action action) {
  Network model = make_model(run.config, *run.problem);
  std::copy(run.trainer.network().parameters().begin(), run.trainer.network().parameters().end(),
            model.parameters().begin());
  for (Index i = 0; i < selection.count; ++i) {
    Batch batch;
    batch.samples = {selection.sample(i)};
    gather(selection.data, run.problem->normalization, batch);
    const auto y = model.forward(test::OwnedBlock(batch.samples).evaluation(),
                                 {batch.features.data(), 1, model.inputs()});
    action(std::vector<double>(y.data(), y.data() + y.cols()), batch);
  }
}

void expect_classification(TrainingRun& run, const Selection& selection) {
  double loss = 0;
  Index correct = 0;
  for_each_sample(run, selection, [&](const std::vector<double>& y, const Batch& batch) {
    const auto label = static_cast<std::size_t>(batch.labels[0]);
    double sum = 0;
    for (const double value : y) sum += std::exp(value - y[label]);
    loss += std::log(sum);
    correct += std::max_element(y.begin(), y.end()) - y.begin() == static_cast<Index>(label) ? 1 : 0;
  });
  const auto count = static_cast<double>(selection.count);
  const Evaluation evaluation = run.trainer.evaluate(selection);
  EXPECT_EQ(evaluation.samples, selection.count);
  EXPECT_NEAR(evaluation.loss, loss / count, 1e-5 * loss / count) << selection.count;
  ASSERT_TRUE(evaluation.accuracy.has_value());
  EXPECT_EQ(*evaluation.accuracy, static_cast<double>(correct) / count) << selection.count;
}

// Numbers of samples on both sides of the chunk of 512.
TEST(Evaluation, IsTheMeanOverAllSamples) {
  for (const std::string samples : {"1", "3", "511", "512", "513", "1300"}) {
    TrainingRun run(blobs({{"data.samples", samples}, {"train.batch-size", "full"}}));
    run.trainer.step();
    expect_classification(run, all_of(run.problem->training));
    expect_classification(run, all_of(*run.problem->test));
  }
}

TEST(Evaluation, IsWithoutDropout) {
  TrainingRun run(blobs({{"model.layers", "linear 16, relu, dropout 0.5, linear 3"}}));
  run.trainer.step();
  expect_classification(run, all_of(run.problem->training));
}

TEST(Evaluation, TakesTheSamplesSelected) {
  TrainingRun run(blobs({{"data.validation", "0.25"}}));
  const Split& split = run.problem->split;
  EXPECT_EQ(split.validation_size(), 50);
  expect_classification(
      run, {run.problem->training, split.validation_size(), [&](Index i) { return split.validation(i); }});
}

TEST(Evaluation, OfSeveralLabelsCountsEachOfThem) {
  TrainingRun run(blobs({{"data.source", "tags"}, {"data.samples", "600"}}));
  run.trainer.step();
  const Selection selection = all_of(*run.problem->test);
  double loss = 0;
  Index correct = 0;
  for_each_sample(run, selection, [&](const std::vector<double>& y, const Batch& batch) {
    ASSERT_EQ(batch.targets.size(), 3U);
    for (std::size_t k = 0; k < 3; ++k) {
      const double probability = 1 / (1 + std::exp(-y[k]));
      loss -= std::log(batch.targets[k] == 1 ? probability : 1 - probability) / 3;
      correct += (probability > 0.5) == (batch.targets[k] == 1) ? 1 : 0;
    }
  });
  const Evaluation evaluation = run.trainer.evaluate(selection);
  EXPECT_NEAR(evaluation.loss, loss / 600, 1e-5 * loss / 600);
  ASSERT_TRUE(evaluation.accuracy.has_value());
  EXPECT_EQ(*evaluation.accuracy, static_cast<double>(correct) / (600 * 3));
}

TEST(Evaluation, OfARegressionHasNoAccuracy) {
  TrainingRun run(blobs({{"data.source", "linear"}, {"model.layers", "linear 16, tanh, linear 1"}}));
  const Selection selection = all_of(run.problem->training);
  double loss = 0;
  for_each_sample(run, selection, [&](const std::vector<double>& y, const Batch& batch) {
    loss += (y[0] - batch.targets[0]) * (y[0] - batch.targets[0]) / 200;
  });
  const Evaluation evaluation = run.trainer.evaluate(selection);
  EXPECT_FALSE(evaluation.accuracy.has_value());
  EXPECT_NEAR(evaluation.loss, loss, 1e-5 * loss);
}

/// A run on `config` whose test samples `bad` have infinite features.
TrainingRun with_bad_test_samples(const Config& config, const std::vector<Index>& bad) {
  const auto communicator = make_single_communicator();
  Problem problem = make_problem(config, *communicator);
  DatasetContent content =
      make_synthetic(config.data.source.source, Part::kTest, config.data.source.synthetic);
  const Index width = content.description.features();
  for (const Index sample : bad) {
    std::fill_n(content.values.begin() + sample * width, width, std::numeric_limits<float>::infinity());
  }
  problem.test = make_dataset(std::move(content));
  return {config, std::move(problem)};
}

TEST(Evaluation, NamesTheSamplesThatAreNotFinite) {
  for (const std::string source : {"blobs", "tags", "linear"}) {
    SCOPED_TRACE(source);
    const Texts texts = {
        {"data.source", source},
        {"data.samples", "1100"},
        {"data.normalize", "none"},
        {"model.layers", source == "linear" ? "linear 4, relu, linear 1" : "linear 4, relu, linear 3"}};
    TrainingRun good(blobs(texts));
    const std::vector<Index> bad = {3, 511, 512, 1099};
    TrainingRun run = with_bad_test_samples(blobs(texts), bad);
    const Evaluation evaluation = run.trainer.evaluate(all_of(*run.problem->test));
    EXPECT_FALSE(std::isfinite(evaluation.loss));
    EXPECT_EQ(evaluation.nonfinite.count, 4);
    EXPECT_EQ(evaluation.nonfinite.first, bad);
    EXPECT_EQ(nonfinite_text(evaluation),
              "outputs or loss of 4 of 1100 samples are not finite (samples 3, 511, 512, 1099)");
    const Evaluation finite = good.trainer.evaluate(all_of(*good.problem->test));
    EXPECT_EQ(finite.nonfinite.count, 0);
    EXPECT_EQ(nonfinite_text(finite), "");

    if (!evaluation.accuracy) continue;
    // The right answers are those of all other samples.
    Index correct = 0;
    Index answers = 0;
    for_each_sample(good, all_of(*good.problem->test), [&](const std::vector<double>& y, const Batch& batch) {
      const bool counts = std::find(bad.begin(), bad.end(), batch.samples[0]) == bad.end();
      if (source == "blobs") {
        // Of outputs that are the same, as with a rectifier that lets nothing through, the first counts.
        const auto predicted = std::max_element(y.begin(), y.end()) - y.begin();
        correct += counts && predicted == batch.labels[0] ? 1 : 0;
        ++answers;
      }
      for (std::size_t k = 0; source == "tags" && k < 3; ++k) {
        correct += counts && (y[k] > 0) == (batch.targets[k] == 1) ? 1 : 0;
        ++answers;
      }
    });
    EXPECT_EQ(*evaluation.accuracy, static_cast<double>(correct) / static_cast<double>(answers));
  }
}

TEST(Evaluation, NamesNoMoreThanTheFirstSamples) {
  const std::vector<Index> samples = {9, 8, 7, 6, 5, 4, 3, 2, 1};
  EXPECT_EQ(name_samples(std::span(samples).first(1), 1), "sample 9");
  EXPECT_EQ(name_samples(std::span(samples).first(8), 8), "samples 9, 8, 7, 6, 5, 4, 3, 2");
  EXPECT_EQ(name_samples(std::span(samples).first(8), 9), "samples 9, 8, 7, 6, 5, 4, 3, 2, …");
  EXPECT_EQ(name_samples(samples, 9), "samples 9, 8, 7, 6, 5, 4, 3, 2, …");
}

TEST(Evaluation, ChangesNoBitOfTheTraining) {
  TrainingRun with(blobs());
  TrainingRun without(blobs());
  for (int step = 0; step < 5; ++step) {
    with.trainer.evaluate(all_of(with.problem->training));
    with.trainer.step();
    without.trainer.step();
  }
  EXPECT_TRUE(std::equal(with.trainer.network().parameters().begin(),
                         with.trainer.network().parameters().end(),
                         without.trainer.network().parameters().begin()));
}

}  // namespace
}  // namespace lockstep
