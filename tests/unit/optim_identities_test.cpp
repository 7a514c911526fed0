#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/named.hpp"
#include "data_helpers.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "nn_helpers.hpp"
#include "optim/norm.hpp"

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
  result.add(0, "0.weight", {.shape = {6, 5}, .role = TensorRole::kWeight});
  result.add(0, "0.bias", {.shape = {6}, .role = TensorRole::kBias});
  return result;
}

OptimizerOptions options(const std::string& name, const Hyperparameters& given) {
  OptimizerOptions result{.name = name, .hyperparameters = given};
  for (const Hyperparameter& h : find_algorithm(name).hyperparameters) {
    const bool off = h.name == "weight-decay" || h.name == "damping";
    result.hyperparameters.try_emplace(h.name, off ? 0 : h.default_value);
  }
  return result;
}

/// The gradient of Σ ½ a (x - b)² + c/4 (x - y)⁴, in T: 1 < a < 3, c = 0.1, y the value before x in its
/// tensor.
template <typename T>
std::vector<T> slope(const std::vector<T>& x) {
  static const Values a = random_values(36, 1);
  static const Values b = random_values(36, 2);
  std::vector<T> g(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    g[i] += (T{a[i]} + 2) * (x[i] - T{b[i]});
    if (i == 0 || i == 30) continue;
    const T d = x[i] - x[i - 1];
    g[i] += T(0.1) * d * d * d;
    g[i - 1] -= T(0.1) * d * d * d;
  }
  return g;
}

/// Its derivative, [36 x 36].
std::vector<double> curvature(const Values& x) {
  const Values a = random_values(36, 1);
  const std::size_t n = x.size();
  std::vector<double> h(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    h[i * n + i] += a[i] + 2.0;
    if (i == 0 || i == 30) continue;
    const double d = x[i] - x[i - 1];
    h[i * n + i] += 0.3 * d * d;
    h[(i - 1) * n + i - 1] += 0.3 * d * d;
    h[i * n + i - 1] = h[(i - 1) * n + i] = -0.3 * d * d;
  }
  return h;
}

const Values kStart = random_values(36, 3);

/// The parameters after kSteps from kStart on.
Values descend(const OptimizerOptions& given) {
  Values x = kStart;
  Optimizer optimizer(given, layout());
  for (std::uint64_t t = 1; t <= kSteps; ++t) {
    std::vector<double> hessian = curvature(x);
    optimizer.step(x, slope(x), 1, 1, t, hessian);
  }
  return x;
}

/// The same by a step of its own, from `x` alone, in double.
std::vector<double> descend_by(const std::function<void(std::vector<double>& x)>& step) {
  std::vector<double> x(kStart.begin(), kStart.end());
  for (std::uint64_t t = 1; t <= kSteps; ++t) step(x);
  return x;
}

double error(const Values& ours, const std::vector<double>& expected) {
  return test::largest_relative_error(ours, expected, 1e-1);
}

/// ‖a - b‖ over the weights, which alone decay.
double distance(const Values& a, const Values& b) {
  double squares = 0;
  for (std::size_t i = 0; i < 30; ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares);
}

TEST(Sgd, WithoutMomentumIsTheGradientDescent) {
  const auto expected = descend_by([](std::vector<double>& x) {
    const std::vector<double> g = slope(x);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= 0.1 * g[i];
  });
  EXPECT_LT(error(descend(options("sgd", {{"learning-rate", 0.1}})), expected), kTolerance);
}

TEST(Sgd, WithZeroMomentumIsTheSameBitForBit) {
  const Values plain = descend(options("sgd", {{"learning-rate", 0.1}}));
  EXPECT_EQ(descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0}})), plain);
  EXPECT_EQ(descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0}, {"nesterov", 1}})), plain);
  EXPECT_NE(descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", 0.1}})), plain);
}

// Polyak's form, without a running sum: x(t+1) = x(t) - α g(x(t)) + γ (x(t) - x(t-1)).
TEST(Sgd, WithMomentumIsPolyaksHeavyBall) {
  for (const double gamma : {0.5, 0.9, 0.99}) {
    std::vector<double> before(kStart.begin(), kStart.end());
    const auto expected = descend_by([&](std::vector<double>& x) {
      const std::vector<double> g = slope(x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        before[i] = std::exchange(x[i], x[i] - 0.1 * g[i] + gamma * (x[i] - before[i]));
      }
    });
    const Values result = descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", gamma}}));
    EXPECT_LT(error(result, expected), kTolerance) << gamma;
  }
}

// Sutskever et al., eq. 3 and 4: v ← γ v - α ∇f(θ + γ v); θ ← θ + v. The form that needs the gradient at x
// alone keeps x = θ + γ v.
TEST(Sgd, NesterovTakesTheGradientAtTheLookAheadPoint) {
  for (const double gamma : {0.5, 0.9, 0.99}) {
    std::vector<double> v(kStart.size());
    const auto ahead = [&](std::vector<double> theta) {
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += gamma * v[i];
      return theta;
    };
    const auto theta = descend_by([&](std::vector<double>& x) {
      const std::vector<double> g = slope(ahead(x));
      for (std::size_t i = 0; i < x.size(); ++i) {
        v[i] = gamma * v[i] - 0.1 * g[i];
        x[i] += v[i];
      }
    });
    const Values result =
        descend(options("sgd", {{"learning-rate", 0.1}, {"momentum", gamma}, {"nesterov", 1}}));
    EXPECT_LT(error(result, ahead(theta)), kTolerance) << gamma;
    EXPECT_GT(error(result, theta), 1e-4) << gamma;
  }
}

/// Where λ leads as a penalty, as decoupled decay, and without either.
struct Decays {
  Values penalty, decay, none;
};

Decays with_decay(const std::string& name, double rate, double lambda) {
  OptimizerOptions penalty = options(name, {{"learning-rate", rate}});
  penalty.l2 = lambda;
  return {.penalty = descend(penalty),
          .decay = descend(options(name, {{"learning-rate", rate}, {"weight-decay", lambda}})),
          .none = descend(options(name, {{"learning-rate", rate}}))};
}

TEST(Sgd, WeightDecayEqualsThePenaltyAtAConstantRate) {
  for (const double rate : {0.02, 0.1}) {
    for (const double lambda : {0.03, 0.3}) {
      const Decays result = with_decay("sgd", rate, lambda);
      EXPECT_LT(test::largest_relative_error(result.penalty, result.decay, 1e-1), kTolerance);
      EXPECT_GT(distance(result.decay, result.none), 1e-2) << rate << ", " << lambda;
    }
  }
}

// Adam divides the penalty by the size of the gradients too: the two end further from each other than the
// decay moves the weights at all.
TEST(AdamW, WeightDecayIsNoPenalty) {
  for (const double rate : {0.01, 0.05}) {
    for (const double lambda : {0.03, 0.3}) {
      const Decays result = with_decay("adamw", rate, lambda);
      EXPECT_GT(distance(result.penalty, result.decay), distance(result.none, result.decay))
          << rate << ", " << lambda;
    }
  }
}

// The Hessian of Σ ½ a (x - b)² + c/4 (x - y)⁴ is known: Newton's method doubles the right digits in every
// step.
TEST(Newton, ConvergesQuadratically) {
  Values x = kStart;
  Optimizer optimizer(options("newton", {}), layout());
  std::vector<double> norms;
  for (std::uint64_t t = 1; t <= 6; ++t) {
    const Values g = slope(x);
    norms.push_back(norm(g));
    std::vector<double> hessian = curvature(x);
    optimizer.step(x, g, 1, 1, t, hessian);
  }
  EXPECT_LT(norms[2], 0.1 * norms[1]);
  EXPECT_LT(norms[3], norms[2] * norms[2] + kTolerance);
  EXPECT_LT(norms[5], 10 * kTolerance);
}

// H + μ I is not positive definite at first: the step still goes downhill.
TEST(Newton, DampsAnIndefiniteHessian) {
  ParameterLayout two;
  two.add(0, "0.weight", {.shape = {1, 2}, .role = TensorRole::kWeight});
  Values x = {1, 1};
  const Values g = {1, -1};
  std::vector<double> hessian = {1, 0, 0, -2};
  Optimizer(options("newton", {}), two).step(x, g, 1, 1, 1, hessian);
  EXPECT_LT((x[0] - 1) * g[0] + (x[1] - 1) * g[1], 0);
  EXPECT_TRUE(std::isfinite(x[0]) && std::isfinite(x[1]));
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
  std::vector<double> hessian = curvature(x);
  Optimizer(options(GetParam(), {}), layout()).step(x, g, 1, 0, 1, hessian);
  EXPECT_EQ(x, start);
}

INSTANTIATE_TEST_SUITE_P(EveryAlgorithm, DecayScopeOf, testing::ValuesIn(names_of(algorithms())),
                         [](const auto& name) { return test::identifier(name.param); });

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
  EXPECT_TRUE(
      test::is_bad_input([] { find_algorithm("sdg"); }, {"optimizer 'sdg': unknown", "sgd", "adamw"}));
}

}  // namespace
}  // namespace lockstep
