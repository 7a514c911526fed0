// Samples that count in the loss by weights of their own.

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/optim/methods.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;

constexpr Index kSamples = 24;
constexpr Index kFeatures = 3;

/// The weights 0, 1, 2, 3 in turn, but for the last.
std::vector<float> whole_weights() {
  std::vector<float> weights;
  for (Index i = 0; i < kSamples; ++i) weights.push_back(static_cast<float>(i % 4));
  weights.back() = 1;
  return weights;
}

/// What belongs to sample i of a task, for each of its two targets.
float target_of(Task task, Index i, Index target) {
  const auto value = static_cast<float>((i * 5 + target * 3) % 11) - 4.5F;
  return task == Task::kRegression ? value : (value > 0 ? 1.0F : 0.0F);
}

void add_sample(DatasetContent& content, Index i) {
  DatasetDescription& description = content.description;
  ++description.samples;
  for (Index k = 0; k < kFeatures; ++k) {
    content.values.push_back(std::sin(static_cast<float>((i * i + 1) * (k + 1))));
  }
  if (description.task == Task::kClassification) {
    content.labels.push_back(static_cast<std::int32_t>(i * 7 % 5 % 2));
    return;
  }
  for (Index target = 0; target < description.targets; ++target) {
    content.targets.push_back(target_of(description.task, i, target));
  }
}

DatasetContent empty_table(Task task) {
  const bool classifies = task == Task::kClassification;
  return {.description = {.name = "table",
                          .task = task,
                          .storage = Storage::kFloats,
                          .feature_shape = {kFeatures},
                          .classes = classifies ? 2 : 0,
                          .targets = classifies ? 1 : 2}};
}

/// A table with `weights`, or without where there are none.
DatasetContent weighted(Task task, const std::vector<float>& weights) {
  DatasetContent content = empty_table(task);
  for (Index i = 0; i < kSamples; ++i) add_sample(content, i);
  content.description.has_sample_weights = !weights.empty();
  content.sample_weights = weights;
  return content;
}

/// The same samples without weights, each as often as its weight says.
DatasetContent repeated(Task task, const std::vector<float>& weights) {
  DatasetContent content = empty_table(task);
  for (Index i = 0; i < kSamples; ++i) {
    for (float copy = 0; copy < weights[static_cast<std::size_t>(i)]; ++copy) add_sample(content, i);
  }
  return content;
}

Problem problem_of(const DatasetContent& content, ProblemOptions options = {}) {
  options.normalize = options.normalize_targets = NormalizationKind::kNone;
  return make_problem([&] { return SourceParts{.training = content, .test = content}; }, options,
                      *make_single_communicator());
}

/// A training of `content` on one rank.
struct Training {
  explicit Training(const DatasetContent& content, const std::string& layers = "linear 4, tanh, linear 2",
                    const ProblemOptions& problem_options = {}, TrainingOptions options = {.batch_size = 0})
      : problem(problem_of(content, problem_options)),
        trainer(*communicator, Network(layers, problem.sample()), problem, std::move(options)) {}

  std::unique_ptr<Communicator> communicator = make_single_communicator();
  Problem problem;
  Trainer trainer;
};

void expect_near(const std::vector<Real>& found, const std::vector<Real>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << i;
}

TEST(SampleWeights, CountAsSoManyCopiesInEveryLoss) {
  for (const LossForm& form : losses()) {
    const ProblemOptions options{.loss = form.name};
    Training of_weights(weighted(form.task, whole_weights()), "linear 4, tanh, linear 2", options);
    Training of_copies(repeated(form.task, whole_weights()), "linear 4, tanh, linear 2", options);
    expect_near(of_weights.trainer.gradient_of(0), of_copies.trainer.gradient_of(0), 2e-6);
    const double loss = of_copies.trainer.evaluate(all_of(*of_copies.problem.test)).loss;
    EXPECT_NEAR(of_weights.trainer.evaluate(all_of(*of_weights.problem.test)).loss, loss, 1e-6) << form.name;
    const StepReport report = of_weights.trainer.step();
    EXPECT_NEAR(report.loss, of_copies.trainer.step().loss, 1e-6) << form.name;
    EXPECT_EQ(report.weight, std::accumulate(of_weights.problem.training.sample_weights().begin(),
                                             of_weights.problem.training.sample_weights().end(), 0.0));
  }
}

// Of losses whose Hessian has an inverse, which cross-entropy's has not.
TEST(SampleWeights, CountAsSoManyCopiesInNewtonsMethod) {
  const TrainingOptions options{.batch_size = 0, .optimizer = newton()};
  const auto trained = [&](const DatasetContent& content) {
    Training training(content, "linear 2", {}, options);
    for (int step = 0; step < 3; ++step) training.trainer.step();
    const std::span<const Real> all = training.trainer.whole_network().parameters();
    return std::vector<Real>(all.begin(), all.end());
  };
  for (const Task task : {Task::kRegression, Task::kMultiLabel}) {
    expect_near(trained(weighted(task, whole_weights())), trained(repeated(task, whole_weights())), 1e-4);
  }
}

// 1 · a is a, and 4 a / 4 b has the bits of a / b; 3 a / 3 b is a / b but for rounding.
TEST(SampleWeights, ThatAreAlikeChangeNothing) {
  const TrainingOptions options{.batch_size = 7, .epochs = 5};
  const auto train = [&](const std::vector<float>& weights) {
    Training training(weighted(Task::kClassification, weights), "linear 4, tanh, linear 2", {}, options);
    training.trainer.run();
    const double loss = training.trainer.evaluate(all_of(*training.problem.test)).loss;
    return std::pair(weights_digest(training.trainer.whole_network()), loss);
  };
  const auto [digest, loss] = train({});
  for (const float weight : {1.0F, 4.0F}) {
    EXPECT_EQ(train(std::vector<float>(kSamples, weight)), std::pair(digest, loss)) << weight;
  }
  EXPECT_NEAR(train(std::vector<float>(kSamples, 3)).second, loss, 1e-5);
  EXPECT_NE(train(whole_weights()).first, digest);
}

TEST(SampleWeights, MultiplyThoseOfClasses) {
  const ProblemOptions balanced{.class_weights = ClassWeights::kBalanced};
  Training both(weighted(Task::kClassification, whole_weights()), "linear 2", balanced);
  std::vector<float> products = whole_weights();
  for (std::size_t i = 0; i < products.size(); ++i) {
    products[i] *= static_cast<float>(
        both.problem.class_weights[static_cast<std::size_t>(both.problem.training.labels()[i])]);
  }
  Training product(weighted(Task::kClassification, products), "linear 2");
  expect_near(both.trainer.gradient_of(0), product.trainer.gradient_of(0), 2e-6);
}

TEST(SampleWeights, ChangeTheLossAndNoOtherMeasure) {
  Training plain(weighted(Task::kClassification, {}));
  Training weighing(weighted(Task::kClassification, whole_weights()));
  const Evaluation expected = plain.trainer.evaluate(all_of(*plain.problem.test));
  const Evaluation found = weighing.trainer.evaluate(all_of(*weighing.problem.test));
  EXPECT_NE(found.loss, expected.loss);
  EXPECT_EQ(found.accuracy, expected.accuracy);
  for (const Measure& measure : expected.measures) EXPECT_EQ(found.measure(measure.name), measure.value);
  EXPECT_EQ(found.measure("log_loss"), expected.loss);
}

TEST(SampleWeights, LeaveNormalisationAlone) {
  const DatasetContent content = weighted(Task::kRegression, whole_weights());
  const auto normalization = [](const DatasetContent& table) {
    return make_problem([&] { return SourceParts{.training = table, .test = std::nullopt}; }, {},
                        *make_single_communicator())
        .normalization;
  };
  const SampleNormalization plain = normalization(weighted(Task::kRegression, {}));
  EXPECT_EQ(normalization(content).features.shift, plain.features.shift);
  EXPECT_EQ(normalization(content).targets.scale, plain.targets.scale);
}

TEST(SampleWeights, OfZeroForAllAreRefused) {
  std::vector<float> weights(kSamples, 0);
  EXPECT_TRUE(is_bad_input([&] { problem_of(weighted(Task::kClassification, weights)); },
                           {"`weight`: all 24 training samples of table", "weight 0"}));
  weights[0] = 1;
  Training training(weighted(Task::kClassification, weights), "linear 2", {}, {.batch_size = 6, .epochs = 1});
  EXPECT_TRUE(is_bad_input([&] { training.trainer.run(); }, {"step ", "weights of all its samples are 0"}));
}

TEST(SampleWeights, AreNotKnownToTheNoiseScale) {
  EXPECT_TRUE(is_bad_input(
      [] {
        Training(weighted(Task::kClassification, whole_weights()), "linear 2", {},
                 {.batch_size = 6, .noise_scale = true});
      },
      {"`noise-scale`", "weighs its samples"}));
}

}  // namespace
}  // namespace lockstep
