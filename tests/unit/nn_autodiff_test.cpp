// Every layer and loss against a second transcription of its formula, differentiated by Eigen's
// AutoDiffScalar.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <Eigen/Core>  // which the next one needs
#include <gtest/gtest.h>
#include <unsupported/Eigen/AutoDiff>

#include "core/text.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using test::counted;
using test::kIsDouble;
using test::OwnedBlock;
using test::random_matrix;
using test::random_values;
using test::RecordingSink;

using Variable = Eigen::AutoDiffScalar<Eigen::VectorXd>;
using Variables = std::vector<Variable>;

constexpr double kTolerance = kIsDouble ? 1e-12 : 2e-5;

Variables variables(std::span<const Real> values, Index first, Index total) {
  Variables all;
  for (const Real value : values) all.emplace_back(static_cast<double>(value), total, first++);
  return all;
}

Variable zero_like(const Variable& x) { return {0.0, Eigen::VectorXd::Zero(x.derivatives().size())}; }

Variables linear(std::span<const Variable> w, std::span<const Variable> b, std::span<const Variable> x) {
  Variables y(b.begin(), b.end());
  for (std::size_t j = 0; j < y.size(); ++j) {
    for (std::size_t i = 0; i < x.size(); ++i) y[j] += w[j * x.size() + i] * x[i];
  }
  return y;
}

Variable apply(const std::string& name, const Variable& x) {
  const Variable one(1.0, Eigen::VectorXd::Zero(x.derivatives().size()));
  if (name == "identity") return x;
  if (name == "relu") return x.value() > 0 ? x : zero_like(x);
  if (name == "relu6") return x.value() > 6 ? Variable(zero_like(x) + 6) : apply("relu", x);
  if (name == "leaky-relu 0.2") return x.value() > 0 ? x : Variable(x * static_cast<double>(Real(0.2)));
  if (name == "tanh") return Variable((exp(x) - exp(-x)) / (exp(x) + exp(-x)));
  if (name == "sigmoid") return Variable(one / (one + exp(-x)));
  if (name == "silu") return Variable(x / (one + exp(-x)));
  if (name == "softplus") return Variable(log(one + exp(x)));
  if (name == "gelu") {
    // x Φ(x); Φ' is the density.
    const double density = std::exp(-x.value() * x.value() / 2) / std::sqrt(2 * std::numbers::pi);
    const Variable distribution(0.5 * (1 + std::erf(x.value() / std::numbers::sqrt2)),
                                density * x.derivatives());
    return Variable(x * distribution);
  }
  throw std::logic_error("no formula for " + name);
}

Variables each(const std::string& name, std::span<const Variable> x) {
  Variables y;
  for (const Variable& value : x) y.push_back(apply(name, value));
  return y;
}

Variables masked(std::span<const Real> mask, std::span<const Variable> x) {
  Variables y;
  for (std::size_t i = 0; i < x.size(); ++i) y.emplace_back(x[i] * static_cast<double>(mask[i]));
  return y;
}

/// The row that `formula` makes of row number `row`.
using Formula = std::function<Variables(std::span<const Variable> parameters, std::span<const Variable> x,
                                        std::size_t row)>;

/// Compares y, dx and parameter gradients of `unit` with `formula` for the function Σ c y.
void expect_formula(test::ConnectedUnit& unit, Index inputs, const Formula& formula) {
  constexpr Index kRows = 4;
  const ParameterLayout& layout = unit.layout();
  std::vector<Real> parameters = random_values(layout.size(), 1);
  unit.bind(parameters);
  const Matrix x = random_matrix(kRows, inputs, 2);
  const Matrix c = random_matrix(kRows, unit.outputs(), 3);
  Matrix y(kRows, unit.outputs());
  Matrix dx(kRows, inputs);

  const OwnedBlock block(counted(kRows));
  RecordingSink sink(layout.size());
  unit.forward(block.training(), test::view(x), test::view(y));
  unit.backward(block.training(), test::view(x), read_only(test::view(y)), test::view(c), test::view(dx),
                sink);

  const Index total = layout.size() + x.size();
  const Variables p = variables(parameters, 0, total);
  const Variables v = variables({x.data(), static_cast<std::size_t>(x.size())}, layout.size(), total);
  Variable sum(0.0, Eigen::VectorXd::Zero(total));
  for (Index r = 0; r < kRows; ++r) {
    const Variables row = formula(p, std::span(v).subspan(r * inputs, inputs), static_cast<std::size_t>(r));
    for (Index k = 0; k < unit.outputs(); ++k) {
      EXPECT_NEAR(y(r, k), row[static_cast<std::size_t>(k)].value(), kTolerance) << unit.text();
      sum += row[static_cast<std::size_t>(k)] * static_cast<double>(c(r, k));
    }
  }
  const Eigen::VectorXd by_parameters = sum.derivatives().head(layout.size());
  const Eigen::VectorXd by_inputs = sum.derivatives().tail(x.size());
  EXPECT_LT(test::largest_relative_error(std::span(dx.data(), dx.size()), by_inputs, 1e-2), kTolerance)
      << unit.text() << " by inputs";
  EXPECT_LT(
      test::largest_relative_error(sink.gradients[0], std::span(by_parameters.data(), layout.size()), 1e-2),
      kTolerance)
      << unit.text() << " by parameters";
}

/// "leaky-relu 0.2" as a unit.
std::unique_ptr<Unit> unit_of(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, ' ')) words.emplace_back(word);
  return make_unit(words);
}

TEST(Unit, LinearIsItsFormula) {
  expect_formula(*test::connected(lockstep::linear(3), 5), 5,
                 [](auto p, auto x, std::size_t) { return linear(p.subspan(0, 15), p.subspan(15, 3), x); });
}

TEST(Unit, ActivationsAreTheirFormulas) {
  for (const std::string name :
       {"identity", "relu", "relu6", "leaky-relu 0.2", "tanh", "sigmoid", "softplus", "silu", "gelu"}) {
    expect_formula(*test::connected(unit_of(name), 6), 6,
                   [&](auto, auto x, std::size_t) { return each(name, x); });
  }
}

TEST(Unit, DropoutIsAProductWithItsMask) {
  const auto unit = test::connected(lockstep::dropout(0.4), 6, 2);
  const Matrix ones = Matrix::Ones(4, 6);
  Matrix mask(4, 6);
  unit->forward(OwnedBlock(counted(4)).training(), test::view(ones), test::view(mask));
  expect_formula(*unit, 6, [&](auto, auto x, std::size_t row) {
    return masked({mask.row(row).data(), 6}, x);
  });
}

TEST(Unit, ActivationsStayFiniteFarFromZero) {
  for (const std::string name : {"tanh", "sigmoid", "softplus", "silu", "gelu"}) {
    const auto unit = test::connected(unit_of(name), 4);
    const std::vector<Real> x = {-10000, -100, 100, 10000};
    const std::vector<Real> dy(4, 1);
    std::vector<Real> y(4);
    std::vector<Real> dx(4);
    const OwnedBlock block(counted(1));
    RecordingSink sink(0);
    unit->forward(block.training(), {x.data(), 1, 4}, {y.data(), 1, 4});
    unit->backward(block.training(), {x.data(), 1, 4}, {y.data(), 1, 4}, {dy.data(), 1, 4}, {dx.data(), 1, 4},
                   sink);
    const Real low = name == "tanh" ? -1 : 0;
    const bool grows = name == "softplus" || name == "silu" || name == "gelu";
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(y[i], i < 2 ? low : (grows ? x[i] : 1), 1e-12) << name << " of " << x[i];
      EXPECT_NEAR(dx[i], i >= 2 && grows ? 1 : 0, 1e-12) << "slope of " << name << " at " << x[i];
    }
  }
}

TEST(Unit, Relu6EndsAtSix) {
  const std::vector<Real> x = {-7, 0, Real(5.5), 6, 7};
  const std::vector<Real> dy(5, 1);
  std::vector<Real> y(5);
  std::vector<Real> dx(5);
  const auto unit = test::connected(lockstep::relu6(), 5);
  const OwnedBlock block(counted(1));
  RecordingSink sink(0);
  unit->forward(block.training(), {x.data(), 1, 5}, {y.data(), 1, 5});
  unit->backward(block.training(), {x.data(), 1, 5}, {y.data(), 1, 5}, {dy.data(), 1, 5}, {dx.data(), 1, 5},
                 sink);
  EXPECT_EQ(y, (std::vector<Real>{0, 0, Real(5.5), 6, 6}));
  EXPECT_EQ(dx, (std::vector<Real>{0, 0, 1, 0, 0}));
}

// A guard can only see what units do not hide.
TEST(Unit, ActivationsPassOnNotANumber) {
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  for (const std::string name : {"identity", "relu", "leaky-relu", "tanh", "sigmoid", "softplus", "silu",
                                 "gelu", "relu6", "dropout 0.5"}) {
    const std::vector<Real> x(40, nan);
    std::vector<Real> y(40);
    test::connected(unit_of(name), 40)
        ->forward(OwnedBlock(counted(1)).training(), {x.data(), 1, 40}, {y.data(), 1, 40});
    for (const Real value : y) EXPECT_TRUE(std::isnan(value)) << name;
  }
}

Variable cross_entropy(std::span<const Variable> z, std::size_t label, double smoothing) {
  Variable sum = exp(z[0]);
  for (std::size_t k = 1; k < z.size(); ++k) sum += exp(z[k]);
  Variable loss = zero_like(z[0]);
  for (std::size_t k = 0; k < z.size(); ++k) {
    const double q = (k == label ? 1 - smoothing : 0) + smoothing / static_cast<double>(z.size());
    loss -= (z[k] - log(sum)) * q;
  }
  return loss;
}

using Term = std::function<Variable(const Variable& output, double target)>;

Variable mean(std::span<const Variable> z, std::span<const Real> target, const Term& term) {
  Variable loss = zero_like(z[0]);
  for (std::size_t k = 0; k < z.size(); ++k) {
    loss += term(z[k], static_cast<double>(target[k])) / static_cast<double>(z.size());
  }
  return loss;
}

Variable squared_error(const Variable& output, double target) {
  return Variable((output - target) * (output - target));
}

Variable absolute_error(const Variable& output, double target) {
  return output.value() > target ? Variable(output - target) : Variable(target - output);
}

Variable huber(const Variable& output, double target, double delta) {
  const Variable error = absolute_error(output, target);
  if (error.value() <= delta) return Variable(error * error * 0.5);
  return Variable((error - delta / 2) * delta);
}

Variable binary_cross_entropy(const Variable& output, double target) {
  const Variable one(1.0, Eigen::VectorXd::Zero(output.derivatives().size()));
  const Variable p(one / (one + exp(-output)));
  return Variable(-(log(p) * target + log(Variable(one - p)) * (1 - target)));
}

void expect_loss(const Loss& loss, const Targets& targets,
                 const std::function<Variable(std::span<const Variable>, std::size_t)>& formula) {
  constexpr Index kRows = 5;
  constexpr Index kOutputs = 4;
  const Matrix outputs = 3 * random_matrix(kRows, kOutputs, 4);
  Matrix gradient(kRows, kOutputs);
  double sum = 0;
  loss.evaluate(OwnedBlock(counted(kRows)).training(), test::view(outputs), targets, {&sum, 1},
                test::view(gradient));
  const Variables z = variables({outputs.data(), kRows * kOutputs}, 0, kRows * kOutputs);
  Variable expected = zero_like(z[0]);
  for (Index r = 0; r < kRows; ++r) {
    expected += formula(std::span(z).subspan(r * kOutputs, kOutputs), static_cast<std::size_t>(r));
  }
  EXPECT_NEAR(sum, expected.value(), 1e-12 * std::abs(expected.value()));
  EXPECT_LT(test::largest_relative_error(std::span(gradient.data(), kRows * kOutputs), expected.derivatives(),
                                         1e-2),
            kTolerance);
}

TEST(Loss, CrossEntropyIsItsFormula) {
  const auto labels = test::cycled_labels(5, 4);
  for (const double smoothing : {0.0, 0.1, 0.5}) {
    expect_loss(*make_cross_entropy(smoothing), {.labels = labels, .values = {}},
                [&](auto z, std::size_t row) {
                  return cross_entropy(z, static_cast<std::size_t>(labels[row]), smoothing);
                });
  }
}

void expect_mean(const Loss& loss, const std::vector<Real>& values, const Term& term) {
  expect_loss(loss, {.labels = {}, .values = values},
              [&](auto z, std::size_t row) { return mean(z, std::span(values).subspan(row * 4, 4), term); });
}

TEST(Loss, MeansOverOutputsAreTheirFormulas) {
  const auto values = random_values(20, 8);
  expect_mean(*make_mean_squared_error(), values, squared_error);
  expect_mean(*make_mean_absolute_error(), values, absolute_error);
  for (const double delta : {0.1, 0.5, 1.0, 10.0}) {
    expect_mean(*make_huber(delta), values,
                [=](const Variable& z, double target) { return huber(z, target, delta); });
  }
  expect_mean(*make_binary_cross_entropy(), test::above_zero(values), binary_cross_entropy);
}

TEST(Network, GradientIsThatOfItsFormulasInTurn) {
  constexpr Index kRows = 3;
  Network model("linear 6, gelu, dropout 0.4, linear 5, tanh, linear 4", 5);
  const auto values = random_values(model.layout().size(), 6);
  std::copy(values.begin(), values.end(), model.parameters().begin());
  const Matrix x = random_matrix(kRows, 5, 7);
  const auto labels = test::cycled_labels(kRows, 4);
  const OwnedBlock block({40, 7, 1000000});
  RecordingSink sink(model.layout().size());
  const auto sums = test::forward_backward(model, *make_cross_entropy(0.1), block.training(3, 8),
                                           test::view(x), {.labels = labels, .values = {}}, sink);

  const Matrix ones = Matrix::Ones(kRows, 6);
  Matrix mask(kRows, 6);
  test::connected(lockstep::dropout(0.4), 6, 2)
      ->forward(block.training(3, 8), test::view(ones), test::view(mask));
  const Variables all = variables(values, 0, model.layout().size());
  const auto p = std::span(all);
  Variable sum = zero_like(p[0]);
  for (Index r = 0; r < kRows; ++r) {
    Variables h;
    for (Index i = 0; i < 5; ++i) {
      h.emplace_back(static_cast<double>(x(r, i)), Eigen::VectorXd::Zero(model.layout().size()));
    }
    h = masked({mask.row(r).data(), 6}, each("gelu", linear(p.subspan(0, 30), p.subspan(30, 6), h)));
    h = each("tanh", linear(p.subspan(36, 30), p.subspan(66, 5), h));
    h = linear(p.subspan(71, 20), p.subspan(91, 4), h);
    sum += cross_entropy(h, static_cast<std::size_t>(labels[static_cast<std::size_t>(r)]), 0.1);
  }
  EXPECT_NEAR(sums[0], sum.value(), kTolerance * sum.value());
  EXPECT_LT(test::largest_relative_error(sink.gradients[0], sum.derivatives(), 1e-2), kTolerance);
}

}  // namespace
}  // namespace lockstep
