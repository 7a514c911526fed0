// Losses whose samples do not count alike.

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/linear_hessian.hpp"
#include "lockstep/nn/weights.hpp"
#include "nn_helpers.hpp"
#include "train_helpers.hpp"
#include "weighted_squares.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::Texts;
using test::TrainingRun;
using test::WeightedSquares;

constexpr Index kClasses = 3;

TrainingRun run_with(const Config& config, std::vector<double> weights) {
  Problem problem = make_problem(config, *make_single_communicator());
  problem.use_loss("weighted-squares", std::make_shared<WeightedSquares>(std::move(weights)));
  return {config, std::move(problem)};
}

std::vector<double> counts_of(const Dataset& data) {
  std::vector<double> counts(kClasses);
  for (const std::int32_t label : data.labels()) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

// 2 a / 2 b has the bits of a / b.
TEST(Weights, ThatAreAlikeChangeNoBit) {
  const Config config = blobs({{"train.batch-size", "30"}});
  TrainingRun without = run_with(config, {});
  TrainingRun ones = run_with(config, {1, 1, 1});
  TrainingRun twos = run_with(config, {2, 2, 2});
  for (int step = 0; step < 10; ++step) {
    const StepReport expected = without.trainer.step();
    for (TrainingRun* const run : {&ones, &twos}) {
      const StepReport report = run->trainer.step();
      EXPECT_EQ(report.loss, expected.loss);
      EXPECT_EQ(report.gradient_norm, expected.gradient_norm);
    }
  }
  for (TrainingRun* const run : {&ones, &twos}) {
    EXPECT_EQ(weights_digest(run->trainer.network()), weights_digest(without.trainer.network()));
    EXPECT_EQ(run->trainer.evaluate(all_of(*run->problem->test)).loss,
              without.trainer.evaluate(all_of(*without.problem->test)).loss);
  }
}

// The mean over all is made of those over class 1 and over the others, each by its number of samples.
TEST(Weights, OfZeroLeaveSamplesOutOfTheMean) {
  const Config config = blobs({{"train.batch-size", "full"}});
  TrainingRun all = run_with(config, {});
  TrainingRun one = run_with(config, {0, 1, 0});
  TrainingRun others = run_with(config, {1, 0, 1});

  std::vector<double> counts = counts_of(all.problem->training);
  const auto gradient = all.trainer.gradient_of(0);
  const auto of_one = one.trainer.gradient_of(0);
  const auto of_others = others.trainer.gradient_of(0);
  const double n = counts[0] + counts[1] + counts[2];
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    EXPECT_NEAR(n * gradient[i], counts[1] * of_one[i] + (n - counts[1]) * of_others[i], 1e-4) << i;
  }

  const auto loss_of = [](TrainingRun& run) { return run.trainer.evaluate(all_of(*run.problem->test)).loss; };
  counts = counts_of(*all.problem->test);
  const double m = counts[0] + counts[1] + counts[2];
  const double expected = counts[1] * loss_of(one) + (m - counts[1]) * loss_of(others);
  EXPECT_NEAR(m * loss_of(all), expected, 1e-9 * expected);
  EXPECT_NE(loss_of(one), loss_of(others));
}

TEST(Weights, MustBeNumbersNotBelowZero) {
  for (const double bad :
       {-1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_TRUE(test::is_bad_input(
        [&] {
          run_with(blobs(), {1, bad, 1});
        },
        {"blobs", "the weight", "not below 0"}));
  }
}

TEST(Weights, AreNotKnownToTheHessianAndTheNoiseScale) {
  EXPECT_TRUE(test::is_bad_input(
      [] {
        run_with(blobs({{"train.noise-scale", "true"}}), {1, 2, 3});
      },
      {"`noise-scale`", "weighs its samples"}));
  const Network network("linear 3", 4);
  EXPECT_NE(LinearHessian::obstacle(network, test::WeightedSquares({1, 2, 3})).find("samples count alike"),
            std::string::npos);
}

/// Samples of one feature with these classes, of which there are 3.
Reader of_labels(const std::vector<std::int32_t>& labels) {
  return [labels]() -> SourceParts {
    DatasetContent all{.description = {.name = "labels",
                                       .storage = Storage::kFloats,
                                       .samples = static_cast<Index>(labels.size()),
                                       .feature_shape = {1},
                                       .classes = kClasses}};
    for (std::size_t i = 0; i < labels.size(); ++i) all.values.push_back(static_cast<float>(i));
    all.labels = labels;
    return {.training = all, .test = std::nullopt};
  };
}

TEST(ClassWeights, ThatAreBalancedAreThoseOfScikitLearn) {
  const nlohmann::json golden = test::read_golden("losses.json").at("balanced");
  const Problem problem =
      make_problem(of_labels(golden.at("labels")), {.class_weights = ClassWeights::kBalanced},
                   *make_single_communicator());
  EXPECT_EQ(problem.class_weights, golden.at("weights").get<std::vector<double>>());
  EXPECT_TRUE(problem.loss->has_weights());
}

// Every class has the same sum of weights over the training samples, those held out left aside.
TEST(ClassWeights, AreOfTheTrainingSamplesAlone) {
  const TrainingRun run(blobs({{"data.validation", "0.37"}, {"model.class-weights", "balanced"}}));
  const Split& split = run.problem->split;
  std::vector<double> sums(kClasses);
  for (Index i = 0; i < split.training_size(); ++i) {
    const auto label =
        static_cast<std::size_t>(run.problem->training.labels()[static_cast<std::size_t>(split.training(i))]);
    sums[label] += run.problem->class_weights[label];
  }
  for (const double sum : sums) {
    EXPECT_NEAR(sum, static_cast<double>(split.training_size()) / kClasses, 1e-9);
  }
}

TEST(ClassWeights, ChangeTheLossAndNoOtherMeasure) {
  TrainingRun plain(blobs());
  TrainingRun weighted(blobs({{"model.class-weights", "balanced"}}));
  const Evaluation expected = plain.trainer.evaluate(all_of(*plain.problem->test));
  const Evaluation found = weighted.trainer.evaluate(all_of(*weighted.problem->test));
  EXPECT_NE(found.loss, expected.loss);
  EXPECT_EQ(found.accuracy, expected.accuracy);
  EXPECT_EQ(found.measure("macro_f1"), expected.measure("macro_f1"));
  EXPECT_NEAR(found.measure("log_loss").value(), expected.loss, 1e-12);
}

TEST(ClassWeights, AreRefusedWhereTheyHaveNoMeaning) {
  const auto problem = [](const Reader& read) {
    return [read] {
      make_problem(read, {.class_weights = ClassWeights::kBalanced}, *make_single_communicator());
    };
  };
  EXPECT_TRUE(test::is_bad_input(problem(of_labels({0, 2, 2})),
                                 {"`class-weights` = balanced", "no training sample of '1'"}));
  const Texts regression = {{"data.source", "linear"}, {"model.layers", "linear 1"}};
  EXPECT_TRUE(test::is_bad_input(
      [&] {
        Texts texts = regression;
        texts["model.class-weights"] = "balanced";
        TrainingRun{blobs(texts)};
      },
      {"`class-weights` = balanced", "needs classes, the data are regression"}));
  EXPECT_TRUE(test::is_bad_input(
      [] {
        TrainingRun{test::config_of({{"data.source", "blobs"},
                                     {"model.layers", "linear 4"},
                                     {"model.class-weights", "balanced"},
                                     {"optimizer.name", "newton"},
                                     {"train.batch-size", "full"}})};
      },
      {"optimizer 'newton'", "samples count alike"}));
}

TEST(Weights, OfZeroForAWholeBatchAreAnError) {
  const Config config = blobs({{"train.batch-size", "full"}});
  TrainingRun run = run_with(config, {0, 0, 0});
  EXPECT_TRUE(
      test::is_bad_input([&] { run.trainer.step(); }, {"step 1", "weights of all its samples are 0"}));
}

}  // namespace
}  // namespace lockstep
