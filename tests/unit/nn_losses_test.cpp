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

TEST(Losses, RefuseWhatDoesNotFit) {
  EXPECT_TRUE(is_bad_input([] { choose_loss("hinge", {}, Task::kRegression); },
                           {"`loss` = hinge", "cross-entropy, mse, mae, huber, bce"}));
  EXPECT_TRUE(is_bad_input([] { choose_loss("mse", {}, Task::kClassification); },
                           {"`loss` = mse", "fits regression", "classification", "auto, cross-entropy"}));
  EXPECT_TRUE(is_bad_input([] { choose_loss("bce", {}, Task::kRegression); },
                           {"`loss` = bce", "fits multi-label", "auto, mse, mae, huber"}));
  EXPECT_TRUE(is_bad_input([] { choose_loss("cross-entropy", {}, Task::kMultiLabel); }, {"auto, bce"}));
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
