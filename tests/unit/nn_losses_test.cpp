#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/losses.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;

/// The loss of one row of one output.
double value(const Loss& loss, Real output, Real target) {
  double sum = 0;
  loss.evaluate(test::OwnedBlock(test::counted(1)).training(), {&output, 1, 1},
                {.labels = {}, .values = {&target, 1}}, {&sum, 1}, {nullptr, 0, 0});
  return sum;
}

TEST(Losses, EveryOneIsMadeForItsTask) {
  std::set<std::string> names;
  for (const LossForm& form : losses()) {
    EXPECT_TRUE(names.insert(form.name).second) << form.name;
    EXPECT_FALSE(form.description.empty()) << form.name;
    const ChosenLoss chosen = choose_loss(form.name, {}, form.task);
    EXPECT_EQ(chosen.name, form.name);
    EXPECT_NE(chosen.loss, nullptr) << form.name;
    EXPECT_EQ(chosen.parameters.size(), form.hyperparameters.size()) << form.name;
    for (const Hyperparameter& p : form.hyperparameters) {
      EXPECT_EQ(chosen.parameters.at(p.name), p.default_value) << p.name;
    }
  }
}

TEST(Losses, AutoIsByTheTask) {
  EXPECT_EQ(choose_loss("auto", {}, Task::kClassification).name, "cross-entropy");
  EXPECT_EQ(choose_loss("auto", {}, Task::kRegression).name, "mse");
  EXPECT_EQ(choose_loss("auto", {}, Task::kMultiLabel).name, "bce");
}

TEST(Losses, TakeTheirParameters) {
  // At an error of 3: delta (3 - delta/2).
  EXPECT_EQ(value(*choose_loss("huber", {}, Task::kRegression).loss, 3, 0), 2.5);
  const Hyperparameters given = {{"huber-delta", 0.5}, {"label-smoothing", 0}};
  const ChosenLoss huber = choose_loss("huber", given, Task::kRegression);
  EXPECT_EQ(value(*huber.loss, 3, 0), 1.375);
  EXPECT_EQ(huber.parameters, (Hyperparameters{{"huber-delta", 0.5}}));
  EXPECT_EQ(choose_loss("auto", {{"label-smoothing", 0.1}}, Task::kClassification).parameters,
            (Hyperparameters{{"label-smoothing", 0.1}}));
}

std::vector<double> probabilities(const std::string& loss, Task task, const std::vector<Real>& outputs) {
  std::vector<double> result(outputs.size());
  choose_loss(loss, {}, task).loss->row_probabilities(outputs, result);
  return result;
}

TEST(Losses, OfCrossEntropiesKnowProbabilities) {
  // Outputs that are logarithms of weights: softmax gives each weight's part of their sum.
  const std::vector<double> shares = {1.0 / 8, 2.0 / 8, 5.0 / 8};
  const std::vector<Real> outputs = {std::log(Real(1)), std::log(Real(2)), std::log(Real(5))};
  const std::vector<double> softmax = probabilities("cross-entropy", Task::kClassification, outputs);
  const std::vector<double> logistic = probabilities("bce", Task::kMultiLabel, outputs);
  const std::vector<double> odds = {1.0 / 2, 2.0 / 3, 5.0 / 6};
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    EXPECT_NEAR(softmax[k], shares[k], 1e-7) << k;
    EXPECT_NEAR(logistic[k], odds[k], 1e-7) << k;
  }
  // Far beyond where e^x is a number.
  EXPECT_EQ(probabilities("cross-entropy", Task::kClassification, {5000, -5000}),
            (std::vector<double>{1, 0}));
  EXPECT_EQ(probabilities("bce", Task::kMultiLabel, {5000, -5000, 0}), (std::vector<double>{1, 0, 0.5}));
  for (const LossForm& form : losses()) {
    EXPECT_EQ(choose_loss(form.name, {}, form.task).loss->has_probabilities(), form.task != Task::kRegression)
        << form.name;
  }
}

TEST(Losses, RefuseWhatDoesNotFit) {
  EXPECT_TRUE(is_bad_input([] { choose_loss("hinge", {}, Task::kRegression); },
                           {"`loss` = hinge", "cross-entropy, mse, mae, huber, bce"}));
  EXPECT_TRUE(is_bad_input([] { choose_loss("mse", {}, Task::kClassification); },
                           {"`loss` = mse", "fits regression", "classification", "auto, cross-entropy"}));
  EXPECT_TRUE(is_bad_input([] { choose_loss("bce", {}, Task::kRegression); },
                           {"`loss` = bce", "fits multi-label", "auto, mse, mae, huber"}));
  EXPECT_TRUE(is_bad_input([] { choose_loss("cross-entropy", {}, Task::kMultiLabel); }, {"auto, bce"}));
}

TEST(Losses, TakeClassWeightsWhereTheyWeighClasses) {
  const ChosenLoss chosen = choose_loss("auto", {}, Task::kClassification, {0.5, 2});
  const std::vector<std::int32_t> labels = {1, 0};
  EXPECT_EQ(chosen.loss->weight({.labels = labels, .values = {}}, 0), 2);
  EXPECT_EQ(chosen.loss->weight({.labels = labels, .values = {}}, 1), 0.5);
  EXPECT_TRUE(is_bad_input(
      [] {
        choose_loss("mse", {}, Task::kRegression, {1, 2});
      },
      {"`class-weights`", "'mse' does not weigh classes"}));
}

TEST(Losses, RefuseTheParametersOfOthers) {
  EXPECT_TRUE(is_bad_input(
      [] {
        choose_loss("mse", {{"huber-delta", 2}}, Task::kRegression);
      },
      {"`huber-delta` = 2", "'mse' does not use it", "'huber' does"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        choose_loss("auto", {{"label-smoothing", 0.1}}, Task::kMultiLabel);
      },
      {"`label-smoothing` = 0.1", "'bce' does not use it", "'cross-entropy' does"}));
}

}  // namespace
}  // namespace lockstep
