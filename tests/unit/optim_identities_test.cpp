#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "data_helpers.hpp"
#include "nn_helpers.hpp"
#include <gtest/gtest.h>

#include "lockstep/core/named.hpp"
#include "lockstep/optim/optimizer.hpp"

namespace lockstep {
namespace {

using test::kIsDouble;
using test::random_values;
using Values = std::vector<Real>;

constexpr std::uint64_t kSteps = 20;
constexpr double kTolerance = kIsDouble ? 1e-12 : 1e-5;

/// One weight of 6 x 5 and its bias.
ParameterLayout layout() {
  ParameterLayout result;
  result.add("0.weight", {6, 5}, ParameterKind::kWeight);
  result.add("0.bias", {6}, ParameterKind::kBias);
  return result;
}

OptimizerOptions options(const std::string& name, const Hyperparameters& given) {
  OptimizerOptions result{.name = name, .hyperparameters = given};
  for (const Hyperparameter& h : find_algorithm(name).hyperparameters) {
    result.hyperparameters.try_emplace(h.name, h.name == "weight-decay" ? 0 : h.default_value);
  }
  return result;
}

/// The parameters after kSteps on ½ Σ a (x - b)², whose gradient is a (x - b).
Values descend(const OptimizerOptions& given) {
  const Values a = random_values(36, 1);
  const Values b = random_values(36, 2);
  Values x = random_values(36, 3);
  Values g(36);
  Optimizer optimizer(given, layout());
  for (std::uint64_t t = 1; t <= kSteps; ++t) {
    for (std::size_t i = 0; i < x.size(); ++i) g[i] = (a[i] + 2) * (x[i] - b[i]);
    optimizer.step(x, g, 1, 1, t);
  }
  return x;
}

bool differs(const Values& a, const Values& b, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    if (std::abs(a[i] - b[i]) < 1e-4) return false;
  }
  return true;
}

TEST(Sgd, WithoutMomentumIsTheGradientDescent) {
  Values expected = random_values(36, 3);
  const Values a = random_values(36, 1);
  const Values b = random_values(36, 2);
  for (std::uint64_t t = 1; t <= kSteps; ++t) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = expected[i] - Real(0.1) * ((a[i] + 2) * (expected[i] - b[i]));
    }
  }
  EXPECT_EQ(descend(options("sgd", {{"learning-rate", 0.1}})), expected);
}

TEST(Sgd, WithZeroMomentumIsTheSameBitForBit) {
  const Values plain = descend(options("sgd", {{"learning-rate", 0.1}}));
  EXPECT_EQ(descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0}})), plain);
  EXPECT_EQ(descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0}, {"nesterov", 1}})), plain);
  EXPECT_NE(descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0.1}})), plain);
}

// Polyak's form, without a running sum: x(t+1) = x(t) - α g(x(t)) + γ (x(t) - x(t-1)).
TEST(Sgd, WithMomentumIsPolyaksHeavyBall) {
  const Values a = random_values(36, 1);
  const Values b = random_values(36, 2);
  const Values start = random_values(36, 3);
  const Values result = descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0.9}}));
  for (std::size_t i = 0; i < start.size(); ++i) {
    double before = start[i];
    double x = start[i];
    for (std::uint64_t t = 1; t <= kSteps; ++t) {
      const double next = x - 0.1 * (double{a[i]} + 2) * (x - b[i]) + 0.9 * (x - before);
      before = std::exchange(x, next);
    }
    EXPECT_NEAR(result[i], x, kTolerance) << i;
  }
}

// Sutskever et al., eq. 3 and 4: v ← γ v - α ∇f(θ + γ v); θ ← θ + v. The form that needs the gradient at x
// alone keeps x = θ + γ v.
TEST(Sgd, NesterovTakesTheGradientAtTheLookAheadPoint) {
  const Values a = random_values(36, 1);
  const Values b = random_values(36, 2);
  const Values start = random_values(36, 3);
  const Values result = descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0.9}, {"nesterov", 1}}));
  for (std::size_t i = 0; i < start.size(); ++i) {
    double theta = start[i];
    double v = 0;
    for (std::uint64_t t = 1; t <= kSteps; ++t) {
      v = 0.9 * v - 0.1 * (double{a[i]} + 2) * (theta + 0.9 * v - b[i]);
      theta += v;
    }
    EXPECT_NEAR(result[i], theta + 0.9 * v, kTolerance) << i;
  }
}

TEST(Sgd, WeightDecayEqualsThePenaltyAtAConstantRate) {
  OptimizerOptions penalty = options("sgd", {{"learning-rate", 0.1}});
  penalty.l2 = 0.3;
  const Values with_penalty = descend(penalty);
  const Values with_decay = descend(options("sgd", {{"learning-rate", 0.1}, {"weight-decay", 0.3}}));
  EXPECT_LT(test::largest_relative_error(with_penalty, with_decay, 1e-2), kTolerance);
  EXPECT_TRUE(differs(with_penalty, descend(options("sgd", {{"learning-rate", 0.1}})), 0, 30));
}

TEST(AdamW, WeightDecayIsNoPenalty) {
  OptimizerOptions penalty = options("adamw", {{"learning-rate", 0.05}});
  penalty.l2 = 0.3;
  const Values plain = descend(options("adamw", {{"learning-rate", 0.05}}));
  const Values with_decay = descend(options("adamw", {{"learning-rate", 0.05}, {"weight-decay", 0.3}}));
  EXPECT_NE(descend(penalty), plain);
  EXPECT_NE(with_decay, plain);
  EXPECT_GT(test::largest_relative_error(descend(penalty), with_decay, 1e-2), 0.01);
}

// m̂ / √v̂ = g / |g| at first, whatever the betas.
TEST(AdamW, FirstStepIsTheLearningRateInTheGradientsDirection) {
  for (const double scale : {1e-4, 1.0, 1e4}) {
    Values x(36, 1);
    Values g = random_values(36, 1);
    for (Real& value : g) value *= static_cast<Real>(scale);
    const Values sign = g;
    Optimizer(options("adamw", {{"learning-rate", 0.25}, {"epsilon", 0}, {"beta1", 0.7}}), layout())
        .step(x, g, 1, 1, 1);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(x[i], sign[i] > 0 ? 0.75 : 1.25, 1e-5) << scale;
    }
  }
}

class DecayScopeOf : public testing::TestWithParam<std::string> {};

TEST_P(DecayScopeOf, WeightsLeavesBiasesAlone) {
  for (const bool decoupled : {true, false}) {
    if (decoupled && !options(GetParam(), {}).hyperparameters.contains("weight-decay")) continue;
    const auto with = [&](double lambda, DecayScope scope) {
      OptimizerOptions result = options(GetParam(), {{"learning-rate", 0.05}});
      if (decoupled) {
        result.hyperparameters["weight-decay"] = lambda;
      } else {
        result.l2 = lambda;
      }
      result.decay_scope = scope;
      return descend(result);
    };
    const Values plain = with(0, DecayScope::kAll);
    const Values weights = with(4, DecayScope::kWeights);
    const Values all = with(4, DecayScope::kAll);
    EXPECT_TRUE(std::equal(plain.begin() + 30, plain.end(), weights.begin() + 30)) << decoupled;
    EXPECT_TRUE(std::equal(all.begin(), all.begin() + 30, weights.begin())) << decoupled;
    EXPECT_NE(Values(plain.begin(), plain.begin() + 30), Values(weights.begin(), weights.begin() + 30));
    EXPECT_NE(Values(plain.begin() + 30, plain.end()), Values(all.begin() + 30, all.end())) << decoupled;
  }
}

// The learning rate scales the decay as well: with a multiplier of 0 nothing moves.
TEST_P(DecayScopeOf, NothingMovesAtRateZero) {
  const Values start = random_values(36, 3);
  Values x = start;
  Values g = random_values(36, 4);
  Optimizer(options(GetParam(), {}), layout()).step(x, g, 1, 0, 1);
  EXPECT_EQ(x, start);
}

INSTANTIATE_TEST_SUITE_P(EveryAlgorithm, DecayScopeOf, testing::ValuesIn(names_of(algorithms())),
                         [](const auto& name) { return name.param; });

TEST(Optimizer, FactorScalesTheGradientBeforeThePenaltyJoinsIt) {
  Values x = random_values(36, 3);
  const Values start = x;
  const Values g = random_values(36, 4);
  OptimizerOptions given = options("sgd", {{"learning-rate", 0.5}});
  given.l2 = 0.25;
  given.decay_scope = DecayScope::kAll;
  Optimizer(given, layout()).step(x, g, 0.125, 1, 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(x[i], start[i] - 0.5 * (0.125 * g[i] + 0.25 * start[i]), kTolerance);
  }
}

// Loshchilov, Hutter, Algorithm 2, line 12: the decay is η λ, without α.
TEST(AdamW, DecayScaledByTheScheduleAloneIsThePapersForm) {
  Values x = random_values(36, 3);
  const Values start = x;
  const Values zero(36, 0);
  Optimizer(options("adamw", {{"learning-rate", 0.5}, {"weight-decay", 0.25}, {"decay-scaling", 1}}),
            layout())
      .step(x, zero, 1, 0.125, 1);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_NEAR(x[i], (1 - 0.125 * 0.25) * start[i], kTolerance);
}

TEST(Optimizer, MultiplierScalesTheLearningRate) {
  Values x = random_values(36, 3);
  Values y = x;
  Values g = random_values(36, 4);
  Values h = g;
  Optimizer(options("sgd", {{"learning-rate", 0.5}}), layout()).step(x, g, 1, 0.25, 1);
  Optimizer(options("sgd", {{"learning-rate", 0.125}}), layout()).step(y, h, 1, 1, 1);
  EXPECT_EQ(x, y);
}

TEST(Optimizer, RefusesUnknownNames) {
  EXPECT_TRUE(test::is_bad_input([] { find_algorithm("sdg"); }, {"optimizer.name = sdg", "sgd", "adamw"}));
}

}  // namespace
}  // namespace lockstep
