// Second derivatives of the losses: closed forms, and central differences of the gradient.

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::kIsDouble;
using test::OwnedBlock;

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

RowMatrix hessian(const Loss& loss, const std::vector<Real>& outputs) {
  EXPECT_TRUE(loss.has_hessian());
  RowMatrix result(std::ssize(outputs), std::ssize(outputs));
  result.setConstant(std::nan(""));
  loss.row_hessian(outputs, result.data());
  return result;
}

std::vector<Real> gradient(const Loss& loss, const std::vector<Real>& outputs, const Targets& targets) {
  std::vector<Real> result(outputs.size());
  double sum = 0;
  loss.evaluate(OwnedBlock(counted(1)).training(), {outputs.data(), 1, std::ssize(outputs)}, targets,
                {&sum, 1}, {result.data(), 1, std::ssize(outputs)});
  return result;
}

void expect_near(const RowMatrix& found, const RowMatrix& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (Index i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found.data()[i], expected.data()[i], tolerance) << "element " << i;
  }
}

void expect_difference_quotient(const Loss& loss, const Targets& targets) {
  // Truncation is about h² / 6 and rounding about ε / h.
  const Real h = kIsDouble ? Real(1e-5) : Real(1e-2);
  const double tolerance = kIsDouble ? 1e-9 : 1e-4;
  const std::vector<Real> outputs = {Real(0.3), Real(-1.25), 2, Real(0.1)};
  RowMatrix quotient(4, 4);
  for (Index j = 0; j < 4; ++j) {
    std::vector<Real> above = outputs;
    std::vector<Real> below = outputs;
    above[static_cast<std::size_t>(j)] += h;
    below[static_cast<std::size_t>(j)] -= h;
    const double step = static_cast<double>(above[static_cast<std::size_t>(j)]) -
                        static_cast<double>(below[static_cast<std::size_t>(j)]);
    const std::vector<Real> g_above = gradient(loss, above, targets);
    const std::vector<Real> g_below = gradient(loss, below, targets);
    for (std::size_t i = 0; i < 4; ++i) {
      quotient(static_cast<Index>(i), j) =
          (static_cast<double>(g_above[i]) - static_cast<double>(g_below[i])) / step;
    }
  }
  expect_near(hessian(loss, outputs), quotient, tolerance);
}

TEST(Hessian, OfTheCrossEntropyIsThatOfTheSoftmax) {
  // p = (1, 2, 5) / 8.
  const std::vector<Real> outputs = {0, static_cast<Real>(std::log(2.0)), static_cast<Real>(std::log(5.0))};
  const Eigen::Vector3d p(1 / 8.0, 2 / 8.0, 5 / 8.0);
  const RowMatrix expected = Eigen::Matrix3d(p.asDiagonal()) - p * p.transpose();
  for (const double smoothing : {0.0, 0.1, 0.9}) {
    expect_near(hessian(*make_cross_entropy(smoothing), outputs), expected, kIsDouble ? 1e-15 : 1e-7);
  }
}

TEST(Hessian, OfTheMeanSquaredErrorIsConstant) {
  for (const Index width : {1, 3, 8}) {
    const std::vector<Real> outputs = test::random_values(width, 1);
    expect_near(hessian(*make_mean_squared_error(), outputs),
                RowMatrix::Identity(width, width) * 2 / static_cast<double>(width), 0);
  }
}

TEST(Hessian, OfTheBinaryCrossEntropyIsTheVariance) {
  // The probabilities of 1 are 1/2, 3/4 and 1/4.
  const auto log_3 = static_cast<Real>(std::log(3.0));
  RowMatrix expected = RowMatrix::Zero(3, 3);
  expected.diagonal() << 1 / 12.0, 1 / 16.0, 1 / 16.0;
  expect_near(hessian(*make_binary_cross_entropy(), {0, log_3, -log_3}), expected, kIsDouble ? 1e-15 : 1e-8);
}

TEST(Hessian, OfOutputsFarApartIsZero) {
  const std::vector<Real> outputs = {Real(1e4), Real(-1e4)};
  for (const auto& loss : {make_cross_entropy(0.1), make_binary_cross_entropy()}) {
    expect_near(hessian(*loss, outputs), RowMatrix::Zero(2, 2), 0);
  }
}

TEST(Hessian, IsTheDifferenceQuotientOfTheGradient) {
  const std::int32_t label = 2;
  for (const double smoothing : {0.0, 0.1, 0.9}) {
    expect_difference_quotient(*make_cross_entropy(smoothing), {.labels = {&label, 1}, .values = {}});
  }
  const std::vector<Real> values = {0, 1, 1, 0};
  for (const auto& loss : {make_mean_squared_error(), make_binary_cross_entropy()}) {
    expect_difference_quotient(*loss, {.labels = {}, .values = values});
  }
}

TEST(Hessian, IsRefusedWhereItVanishes) {
  for (const auto& loss : {make_mean_absolute_error(), make_huber(1)}) {
    EXPECT_FALSE(loss->has_hessian());
    const std::vector<Real> outputs(2);
    std::vector<double> result(4);
    EXPECT_THROW(loss->row_hessian(outputs, result.data()), Error);
  }
}

}  // namespace
}  // namespace lockstep
