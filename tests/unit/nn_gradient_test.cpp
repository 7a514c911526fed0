#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "nn_helpers.hpp"
#include "unit_examples.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::cycled_labels;
using test::OwnedBlock;
using test::random_matrix;
using test::random_values;

constexpr Index kRows = 7;
constexpr Index kInputs = 5;
constexpr Index kHidden = 6;
constexpr Index kOutputs = 4;
constexpr Index kAll = 2000;

/// Weights such that the outputs of the first layer keep a distance of 0.25 from 0, where rectifiers have a
/// kink: |w x| <= 5 · 0.15, |b| = 1.
void keep_from_kinks(Network& model) {
  const auto& tensors = model.layout().tensors();
  const std::vector<Real> values = random_values(model.layout().size(), 3);
  std::copy(values.begin(), values.end(), model.parameters().begin());
  for (Index i = 0; i < tensors[0].range.size; ++i) model.parameters()[i] *= Real(0.15);
  for (Index i = 0; i < tensors[1].range.size; ++i) {
    model.parameters()[tensors[1].range.offset + i] = i % 2 == 0 ? 1 : -1;
  }
}

void expect_exact(Network& model, const Loss& loss, const Targets& targets) {
  const OwnedBlock block(counted(kRows));
  const Matrix x = random_matrix(kRows, model.inputs(), 5);
  const auto checks = check_gradients(model, loss, block.training(), test::view(x), targets, kAll);
  ASSERT_EQ(checks.size(), model.layout().tensors().size());
  for (std::size_t i = 0; i < checks.size(); ++i) {
    EXPECT_EQ(checks[i].checked, model.layout().tensors()[i].range.size);
    EXPECT_LT(checks[i].largest_error, 1e-6)
        << model.text() << ": " << checks[i].tensor << ", element " << checks[i].worst_element;
  }
}

// The unit stands between two others: gradients of the first one show what it passes on to its inputs.
TEST(Gradient, OfEveryUnitIsTheDifferenceQuotient) {
  const auto labels = cycled_labels(kRows, kOutputs);
  for (const std::string& unit : test::units_that_take(kHidden)) {
    Network model("linear 6, " + unit + ", linear 4", kInputs);
    keep_from_kinks(model);
    expect_exact(model, *make_cross_entropy(0), {.labels = labels, .values = {}});
  }
}

TEST(Gradient, OfEveryUnitOnPicturesIsTheDifferenceQuotient) {
  const auto labels = cycled_labels(kRows, kOutputs);
  const std::vector<std::string> units = test::units_that_take(Shape({6, 4, 5}));
  EXPECT_GT(units.size(), 10U);
  for (const std::string& unit : units) {
    Network model("conv 6 1, " + unit + ", flatten, linear 4", Shape({2, 4, 5}));
    keep_from_kinks(model);
    expect_exact(model, *make_cross_entropy(0), {.labels = labels, .values = {}});
  }
}

// Of pictures and of vectors side by side. The first of two normalisations shows what the second passes on.
TEST(Gradient, OfNormalisationsIsTheDifferenceQuotient) {
  const auto labels = cycled_labels(kRows, kOutputs);
  struct Case {
    std::string unit;
    std::vector<Index> shape;
  };
  for (const auto& [unit, shape] :
       {Case{"layer-norm", {3, 5}}, Case{"layer-norm", {2, 37}}, Case{"group-norm 2", {6, 2, 3}},
        Case{"group-norm 1", {20, 2, 1}}, Case{"group-norm 4", {4, 3, 3}},
        Case{"batch-norm micro", {3, 2, 2}}, Case{"batch-norm", {3, 2, 2}}, Case{"batch-norm", {5}}}) {
    Network model(fmt::format("{0}, silu, {0}, silu, flatten, linear 4", unit), Shape(shape));
    const std::vector<Real> values = random_values(model.layout().size(), 3);
    std::copy(values.begin(), values.end(), model.parameters().begin());
    expect_exact(model, *make_cross_entropy(0), {.labels = labels, .values = {}});
  }
}

TEST(Gradient, OfEveryLossIsTheDifferenceQuotient) {
  const auto labels = cycled_labels(kRows, kOutputs);
  const auto values = random_values(kRows * kOutputs, 9);
  Network model("linear 6, tanh, linear 4", kInputs);
  keep_from_kinks(model);
  for (const double smoothing : {0.0, 0.1, 0.9}) {
    expect_exact(model, *make_cross_entropy(smoothing), {.labels = labels, .values = {}});
    expect_exact(model, *make_cross_entropy(smoothing, {0.5, 2, 0, 1}), {.labels = labels, .values = {}});
  }
  for (const auto& loss : {make_mean_squared_error(), make_mean_absolute_error(), make_huber(1),
                           make_huber(0.5), make_huber(0.01)}) {
    expect_exact(model, *loss, {.labels = {}, .values = values});
  }
  const auto zeros_and_ones = test::above_zero(values);
  expect_exact(model, *make_binary_cross_entropy(), {.labels = {}, .values = zeros_and_ones});
}

TEST(Gradient, OfAllUnitsTogetherIsTheDifferenceQuotient) {
  std::string layers = "linear 6";
  for (const std::string& unit : test::units_that_take(kHidden)) layers += ", " + unit;
  Network model(layers + ", linear 4", kInputs);
  keep_from_kinks(model);
  expect_exact(model, *make_mean_squared_error(),
               {.labels = {}, .values = random_values(kRows * kOutputs, 9)});
}

TEST(Gradient, OfNestedNetworksIsTheDifferenceQuotient) {
  const auto labels = cycled_labels(kRows, kOutputs);
  for (const std::string layers :
       {"residual(linear 5), linear 4", "linear 6, residual(linear 6, tanh), linear 4",
        "2 x residual(linear 6, gelu, linear 5), linear 4",
        "residual(linear 6, tanh, skip(linear 6)), linear 4",
        "residual(linear 6, tanh, linear 4, skip(sigmoid, linear 4))",
        "residual(linear 6, residual(linear 6, residual(tanh, linear 6)), skip(linear 6)), linear 4",
        "residual(linear 6, skip(residual(linear 5), linear 6)), linear 4",
        "concat((linear 5, tanh), (linear 3), (sigmoid)), linear 4",
        "linear 6, add((tanh), (linear 6), (sigmoid, linear 6)), linear 4",
        "tanh, add((concat((linear 2), (gelu, linear 3)), linear 4), (linear 4))",
        "residual(concat((linear 2), (linear 4)), skip(add((linear 6), (linear 6)))), linear 4",
        "3 x (linear 5, tanh), residual(dropout 0.4, linear 5), linear 4"}) {
    Network network(layers, kInputs);
    keep_from_kinks(network);
    expect_exact(network, *make_cross_entropy(0), {.labels = labels, .values = {}});
  }
}

class WrongLoss final : public Loss {
  double row(std::span<const Real> outputs, const Targets& /*targets*/, Index /*row*/,
             Real* gradient) const override {
    if (gradient != nullptr) std::fill_n(gradient, outputs.size(), Real(1.001));
    double sum = 0;
    for (const Real output : outputs) sum += output;
    return sum;
  }
};

TEST(GradientCheck, SeesAGradientThatIsWrongByAThousandth) {
  Network model("linear 6, tanh, linear 4", kInputs);
  keep_from_kinks(model);
  const OwnedBlock block(counted(kRows));
  const Matrix x = random_matrix(kRows, kInputs, 5);
  for (const auto& check : check_gradients(model, WrongLoss(), block.training(), test::view(x), {}, 3)) {
    EXPECT_EQ(check.checked, 3);
    EXPECT_NEAR(check.largest_error, 0.001, 1e-5) << check.tensor;
  }
}

TEST(GradientCheck, LeavesTheParametersAsTheyWere) {
  Network model("linear 6, tanh, linear 4", kInputs);
  keep_from_kinks(model);
  const std::vector<Real> before(model.parameters().begin(), model.parameters().end());
  const OwnedBlock block(counted(kRows));
  const Matrix x = random_matrix(kRows, kInputs, 5);
  check_gradients(model, WrongLoss(), block.training(), test::view(x), {}, kAll);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), model.parameters().begin()));
}

}  // namespace
}  // namespace lockstep
