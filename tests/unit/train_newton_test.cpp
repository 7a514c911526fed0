// Newton's method on the two problems that it solves: least squares and softmax regression.

#include <cmath>
#include <string>

#include <Eigen/QR>
#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/batch.hpp"
#include "nn_helpers.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::config_of;
using test::is_bad_input;
using test::Texts;
using test::TrainingRun;

const Texts kLeastSquares = {{"data.source", "linear"},    {"data.samples", "60"},
                             {"data.features", "7"},       {"model.layers", "linear 1"},
                             {"train.batch-size", "full"}, {"train.steps", "1"},
                             {"train.micro-batches", "4"}, {"optimizer.name", "newton"}};

Texts operator+(Texts texts, const Texts& changes) {
  for (const auto& [key, text] : changes) texts[key] = text;
  return texts;
}

/// The least-squares solution over the training samples as the network sees them, by QR: weights, then bias.
Eigen::VectorXd least_squares(const TrainingRun& run) {
  const Dataset& data = run.problem->training;
  Batch batch;
  for (Index i = 0; i < data.size(); ++i) batch.samples.push_back(i);
  gather(data, run.problem->normalization, batch);
  const Index features = data.description().features();
  Eigen::MatrixXd x(data.size(), features + 1);
  Eigen::VectorXd y(data.size());
  for (Index i = 0; i < data.size(); ++i) {
    for (Index j = 0; j < features; ++j) x(i, j) = batch.features[static_cast<std::size_t>(i * features + j)];
    x(i, features) = 1;
    y(i) = batch.targets[static_cast<std::size_t>(i)];
  }
  return x.colPivHouseholderQr().solve(y);
}

TEST(Newton, SolvesLeastSquaresInOneStep) {
  TrainingRun run(config_of(kLeastSquares));
  const Eigen::VectorXd expected = least_squares(run);
  run.trainer.step();
  for (Index i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(run.trainer.network().parameters()[static_cast<std::size_t>(i)], expected(i),
                test::kIsDouble ? 1e-6 * expected.norm() : 1e-4)
        << i;
  }
}

/// The norm of the gradient of loss + λ/2 ‖weights‖².
double objective_gradient_norm(TrainingRun& run, double l2) {
  const std::vector<Real> g = run.trainer.gradient_of(run.trainer.steps_done());
  const ParameterRange weights = run.trainer.network().layout().tensors()[0].range;
  double sum = 0;
  for (Index i = 0; i < std::ssize(g); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double slope = g[at] + (i < weights.size ? l2 * run.trainer.network().parameters()[at] : 0.0);
    sum += slope * slope;
  }
  return std::sqrt(sum);
}

TEST(Newton, FitsSoftmaxRegressionOnTheDigits) {
  TrainingRun run(config_of({{"data.source", LOCKSTEP_TEST_CONFIGS "/lecture/digits.csv"},
                             {"data.normalize", "unit"},
                             {"model.layers", "linear 10"},
                             {"train.batch-size", "full"},
                             {"train.steps", "15"},
                             {"train.micro-batches", "8"},
                             {"optimizer.name", "newton"},
                             {"optimizer.l2", "0.001"}}));
  EXPECT_GT(objective_gradient_norm(run, 0.001), 0.1);
  int steps = 0;
  for (; steps < 15 && objective_gradient_norm(run, 0.001) >= (test::kIsDouble ? 1e-6 : 1e-4); ++steps) {
    run.trainer.step();
  }
  EXPECT_LT(objective_gradient_norm(run, 0.001), test::kIsDouble ? 1e-6 : 1e-4);
  EXPECT_LT(steps, 15);
  RecordProperty("steps", steps);
  EXPECT_GT(*run.trainer.evaluate(all_of(run.problem->training)).accuracy, 0.95);
}

TEST(Newton, SaysWhatItNeeds) {
  EXPECT_TRUE(is_bad_input(
      [] {
        TrainingRun(config_of(kLeastSquares + Texts{{"model.layers", "linear 3, linear 1"}}));
      },
      {"newton", "one linear unit", "linear 3, linear 1", "'linear 1'"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        TrainingRun(config_of(kLeastSquares + Texts{{"model.loss", "mae"}}));
      },
      {"newton", "second derivative", "cross-entropy, mse or bce"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        TrainingRun(config_of(kLeastSquares + Texts{{"data.features", "10000"}}));
      },
      {"newton", "10001 parameters", "10000"}));
}

}  // namespace
}  // namespace lockstep
