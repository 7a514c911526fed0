// What SAM promises beside its golden numbers (optim_golden_test.cpp).

#include <cmath>
#include <string>
#include <vector>

#include <Eigen/Core>
#include <gtest/gtest.h>

#include "lockstep/optim/optimizer.hpp"
#include "nn_helpers.hpp"
#include "optim/norm.hpp"

namespace lockstep {
namespace {

using test::kIsDouble;
using Values = std::vector<Real>;
using Vector = Eigen::VectorXd;

constexpr Index kSize = 20;
constexpr double kTolerance = kIsDouble ? 1e-12 : 1e-5;

ParameterLayout layout() {
  ParameterLayout result;
  result.add(0, "0.weight", {.shape = {4, 4}, .role = TensorRole::kWeight});
  result.add(0, "0.bias", {.shape = {4}, .role = TensorRole::kBias});
  return result;
}

OptimizerOptions options(const std::string& name, const Hyperparameters& given) {
  return {.name = name, .hyperparameters = with_defaults(find_algorithm(name).hyperparameters, given)};
}

/// H of ½ wᵀHw, positive definite.
Eigen::MatrixXd hessian() {
  const Eigen::MatrixXd a = test::random_matrix(kSize, kSize, 1).cast<double>();
  return a * a.transpose() / kSize + Eigen::MatrixXd::Identity(kSize, kSize);
}

Vector vector(const Values& values) {
  return Eigen::Map<const Eigen::Matrix<Real, Eigen::Dynamic, 1>>(values.data(), kSize).cast<double>();
}

Values slope(const Values& w) {
  const Vector g = hessian() * vector(w);
  return {g.data(), g.data() + kSize};
}

/// The weights after twenty steps, each of two passes where the optimizer has them.
Values descend(const OptimizerOptions& given) {
  Values w = test::random_values(kSize, 3);
  Optimizer optimizer(given, layout());
  for (std::uint64_t t = 1; t <= 20; ++t) {
    Values g = slope(w);
    if (optimizer.has_two_passes()) {
      optimizer.perturb(w, g, norm(g));
      g = slope(w);
      optimizer.move_back(w);
    }
    optimizer.step(w, g, 1, 1, t);
  }
  return w;
}

// w ← w - α H (w + ρ H w / ‖H w‖)
TEST(Sam, OnAQuadraticHasAClosedForm) {
  for (const double rho : {0.01, 0.05, 0.5, 2.0}) {
    Vector w = vector(test::random_values(kSize, 3));
    const Eigen::MatrixXd h = hessian();
    for (int step = 0; step < 20; ++step) w -= 0.1 * h * (w + rho * h * w / (h * w).norm());
    const Values result = descend(options("sam-sgd", {{"learning-rate", 0.1}, {"rho", rho}}));
    EXPECT_LT(test::largest_relative_error(result, Values(w.data(), w.data() + kSize), 1e-1), kTolerance)
        << rho;
  }
}

TEST(Sam, OfRadiusZeroIsItsBaseBitForBit) {
  for (const std::string base : {"sgd", "adamw"}) {
    const Values plain = descend(options(base, {{"learning-rate", 0.1}}));
    EXPECT_EQ(descend(options("sam-" + base, {{"learning-rate", 0.1}, {"rho", 0}})), plain) << base;
    EXPECT_NE(descend(options("sam-" + base, {{"learning-rate", 0.1}, {"rho", 0.05}})), plain) << base;
  }
}

TEST(Sam, ClimbsByItsRadiusAndComesBackToTheBit) {
  const Values start = test::random_values(kSize, 3);
  const Values g = slope(start);
  Values w = start;
  Optimizer optimizer(options("sam-sgd", {{"rho", 0.3}}), layout());
  optimizer.perturb(w, g, norm(g));
  const Vector step = vector(w) - vector(start);
  EXPECT_NEAR(step.norm(), 0.3, kTolerance);
  EXPECT_NEAR(step.dot(vector(g)), 0.3 * norm(g), kTolerance * norm(g));
  optimizer.move_back(w);
  EXPECT_EQ(w, start);
}

TEST(Sam, StaysWhereTheGradientIsZero) {
  const Values start = test::random_values(kSize, 3);
  Values w = start;
  Optimizer optimizer(options("sam-sgd", {}), layout());
  optimizer.perturb(w, Values(kSize, 0), 0);
  EXPECT_EQ(w, start);
}

// Owners of parts climb by the norm of the whole.
TEST(Sam, IsSharedAsItsBaseIs) {
  Values w = test::random_values(kSize, 3);
  Values shared = w;
  const Values g = slope(w);
  Optimizer all(options("sam-sgd", {}), layout());
  Optimizer first(options("sam-sgd", {}), layout(), {{0, 7}});
  Optimizer second(options("sam-sgd", {}), layout(), {{7, 13}});
  all.perturb(w, g, norm(g));
  first.perturb(shared, g, norm(g));
  second.perturb(shared, g, norm(g));
  EXPECT_EQ(shared, w);
  all.move_back(w);
  second.move_back(shared);
  first.move_back(shared);
  EXPECT_EQ(shared, w);
}

TEST(Sam, GoesAroundAnyOptimizerOfOnePass) {
  const Algorithm lamb_too = sam_algorithm(lamb_algorithm());
  EXPECT_EQ(lamb_too.name, "sam-lamb");
  EXPECT_EQ(lamb_too.scope, Scope::kTensor);
  EXPECT_EQ(lamb_too.hyperparameters.back().name, "rho");
}

}  // namespace
}  // namespace lockstep
