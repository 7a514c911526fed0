// What Muon promises beside its golden numbers (optim_golden_test.cpp).

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <Eigen/SVD>
#include <gtest/gtest.h>

#include "lockstep/optim/optimizer.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::kIsDouble;

/// A matrix of this shape, and a last unit, which is AdamW's.
ParameterLayout layout_with(const std::vector<Index>& shape) {
  ParameterLayout result;
  result.add(0, "0.weight", {.shape = shape, .role = TensorRole::kWeight});
  result.add(1, "1.weight", {.shape = {2, 3}, .role = TensorRole::kWeight});
  return result;
}

OptimizerOptions muon(const Hyperparameters& given) {
  return {.name = "muon", .hyperparameters = with_defaults(find_algorithm("muon").hyperparameters, given)};
}

/// The step that the gradient `g` of a matrix leads to at rate 1, from 0.
Eigen::MatrixXd first_step(const Matrix& g, const std::vector<Index>& shape, double steps = 5) {
  const ParameterLayout layout = layout_with(shape);
  Optimizer optimizer(muon({{"learning-rate", 1}, {"newton-schulz-steps", steps}}), layout);
  std::vector<Real> x(static_cast<std::size_t>(layout.size()));
  std::vector<Real> gradient = x;
  std::copy_n(g.data(), g.size(), gradient.begin());
  optimizer.step(x, gradient, 1, 1, 1);
  return -Matrix(ConstMatrixView(x.data(), g.rows(), g.cols())).cast<double>();
}

Eigen::MatrixXd first_step(const Matrix& g) { return first_step(g, {g.rows(), g.cols()}); }

// The post: five steps take singular values to between about 0.7 and 1.2.
TEST(Muon, StepsByAlmostOrthogonalMatrices) {
  for (const auto& [rows, columns] :
       std::vector<std::pair<Index, Index>>{{8, 8}, {40, 25}, {25, 40}, {64, 16}, {1, 7}, {7, 1}}) {
    const Matrix g = test::random_matrix(rows, columns, 5);
    const double scale = std::sqrt(std::max(1.0, static_cast<double>(rows) / static_cast<double>(columns)));
    const Eigen::MatrixXd orthogonal = first_step(g) / scale;
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(orthogonal);
    EXPECT_GT(svd.singularValues().minCoeff(), 0.65) << rows << " x " << columns;
    EXPECT_LT(svd.singularValues().maxCoeff(), 1.25) << rows << " x " << columns;
  }
}

// Only the singular values change, each by the post's polynomial.
TEST(Muon, KeepsSingularVectors) {
  const Matrix g = test::random_matrix(12, 7, 6);
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(g.cast<double>(), Eigen::ComputeThinU | Eigen::ComputeThinV);
  Eigen::VectorXd s = svd.singularValues() / g.cast<double>().norm();
  for (int step = 0; step < 5; ++step) {
    s = s.unaryExpr([](double v) { return 3.4445 * v - 4.7750 * std::pow(v, 3) + 2.0315 * std::pow(v, 5); });
  }
  const Eigen::MatrixXd expected =
      std::sqrt(12.0 / 7) * svd.matrixU() * s.asDiagonal() * svd.matrixV().transpose();
  EXPECT_LT((first_step(g) - expected).cwiseAbs().maxCoeff(), kIsDouble ? 1e-6 : 1e-4);
}

TEST(Muon, FlattensTheLaterAxes) {
  const Matrix g = test::random_matrix(6, 12, 7);
  EXPECT_EQ(first_step(g, {6, 3, 2, 2}), first_step(g));
}

TEST(Muon, StandsStillWithoutAGradient) {
  EXPECT_EQ(first_step(Matrix::Zero(5, 4)), Eigen::MatrixXd::Zero(5, 4));
}

TEST(Muon, KeepsAMomentumForHiddenMatricesAndTwoMomentsForTheRest) {
  ParameterLayout layout;
  layout.add(0, "0.weight", {.shape = {6, 5}, .role = TensorRole::kWeight});
  layout.add(0, "table", {.shape = {9, 5}, .role = TensorRole::kTable});
  layout.add(0, "0.bias", {.shape = {6}, .role = TensorRole::kBias});
  layout.add(1, "1.gain", {.shape = {6}, .role = TensorRole::kGain});
  layout.add(2, "2.weight", {.shape = {2, 6}, .role = TensorRole::kWeight});
  Optimizer optimizer(muon({}), layout);
  std::vector<std::string> names;
  for (const NamedState& kept : optimizer.state()) {
    names.push_back(kept.name);
    for (const StateLayout::Part& part : kept.layout.parts()) names.push_back(part.tensor);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"momentum", "0.weight", "mean", "table", "0.bias", "1.gain",
                                             "2.weight", "square", "table", "0.bias", "1.gain", "2.weight"}));
}

// What is no hidden matrix is AdamW's, bit for bit.
TEST(Muon, LeavesTheRestToAdamW) {
  const ParameterLayout layout = layout_with({4, 3});
  Hyperparameters adamw = {{"learning-rate", 0.5}, {"beta2", 0.9}, {"epsilon", 0.1}, {"weight-decay", 0.5}};
  Hyperparameters ours = adamw;
  ours["learning-rate"] = 2;
  ours["adamw-ratio"] = 0.25;
  Optimizer rest(
      {.name = "adamw", .hyperparameters = with_defaults(find_algorithm("adamw").hyperparameters, adamw)},
      layout);
  Optimizer all(muon(ours), layout);
  std::vector<Real> x = test::random_values(18, 1);
  std::vector<Real> y = x;
  for (std::uint64_t t = 1; t <= 5; ++t) {
    const std::vector<Real> g = test::random_values(18, t + 1);
    rest.step(x, g, 1, 1, t);
    all.step(y, g, 1, 1, t);
  }
  EXPECT_TRUE(std::equal(x.begin() + 12, x.end(), y.begin() + 12));
  EXPECT_FALSE(std::equal(x.begin(), x.begin() + 12, y.begin()));
}

}  // namespace
}  // namespace lockstep
