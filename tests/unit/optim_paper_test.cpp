// The algorithms that PyTorch does not have, beside transcriptions of their papers in double, written from
// the papers' pseudo-code alone; and the forms of the lecture's slides.

#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/optim/optimizer.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

using Vector = std::vector<double>;
using test::kIsDouble;
using test::random_values;

constexpr int kSteps = 50;
constexpr double kTolerance = kIsDouble ? 1e-12 : 1e-5;

double length(const Vector& v) { return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0)); }

/// One tensor's step by the paper: changes x, given its gradient and the step from 1.
using PaperStep = std::function<void(Vector& x, const Vector& g, int t)>;

/// The gradient of ½ Σ a (x - b)², 1 < a < 3, for a tensor whose first value is number `first`.
template <typename T>
std::vector<T> slope(const std::vector<T>& x, std::size_t first) {
  static const std::vector<Real> a = random_values(4230, 1);
  static const std::vector<Real> b = random_values(4230, 2);
  std::vector<T> g;
  g.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) g.push_back((T{a[first + i]} + 2) * (x[i] - T{b[first + i]}));
  return g;
}

/// Descends with both from the same start, each with gradients at its own point. Two tensors, the second of
/// which has larger values and more of them than an optimizer steps at once where it may cut a tensor:
/// `paper` makes the step of one, with a state of its own.
void expect_same_path(const std::string& name, const Hyperparameters& given,
                      const std::function<PaperStep()>& paper) {
  ParameterLayout layout;
  layout.add(0, "0.weight", {.shape = {6, 5}, .role = TensorRole::kWeight});
  layout.add(1, "1.weight", {.shape = {60, 70}, .role = TensorRole::kWeight});
  Optimizer optimizer(
      {.name = name, .hyperparameters = with_defaults(find_algorithm(name).hyperparameters, given)}, layout);

  std::vector<Real> x = random_values(4230, 3);
  for (std::size_t i = 30; i < x.size(); ++i) x[i] *= 10;
  Vector first(x.begin(), x.begin() + 30);
  Vector second(x.begin() + 30, x.end());
  const PaperStep step_first = paper();
  const PaperStep step_second = paper();
  for (int t = 1; t <= kSteps; ++t) {
    optimizer.step(x, slope(x, 0), 1, 1, static_cast<std::uint64_t>(t));
    step_first(first, slope(first, 0), t);
    step_second(second, slope(second, 30), t);
  }
  first.insert(first.end(), second.begin(), second.end());
  EXPECT_LT(test::largest_relative_error(x, first, 1), kTolerance) << name;
}

TEST(Lars, FollowsAlgorithm1) {
  const std::vector<Hyperparameters> sets = {
      {{"learning-rate", 0.5}, {"trust", 0.05}, {"momentum", 0.9}, {"weight-decay", 0}},
      {{"learning-rate", 0.5}, {"trust", 0.05}, {"momentum", 0.9}, {"weight-decay", 0.02}},
      {{"learning-rate", 0.1}, {"trust", 0.5}, {"momentum", 0}, {"weight-decay", 0.5}},
      {{"learning-rate", 2}, {"trust", 0.001}, {"momentum", 0.98}, {"weight-decay", 0.0005}}};
  for (const Hyperparameters& set : sets) {
    const double gamma = set.at("learning-rate");
    const double eta = set.at("trust");
    const double m = set.at("momentum");
    const double beta = set.at("weight-decay");
    expect_same_path("lars", set, [=] {
      return [=, v = Vector()](Vector& w, const Vector& g, int /*t*/) mutable {
        v.resize(w.size());
        const double rate = eta * length(w) / (length(g) + beta * length(w));
        for (std::size_t i = 0; i < w.size(); ++i) {
          v[i] = m * v[i] + gamma * rate * (g[i] + beta * w[i]);
          w[i] = w[i] - v[i];
        }
      };
    });
  }
}

TEST(Lamb, FollowsAlgorithm2) {
  const std::vector<Hyperparameters> sets = {
      {{"learning-rate", 0.03}, {"beta1", 0.8}, {"beta2", 0.95}, {"epsilon", 1e-6}, {"weight-decay", 0}},
      {{"learning-rate", 0.03}, {"beta1", 0.8}, {"beta2", 0.95}, {"epsilon", 1e-6}, {"weight-decay", 0.02}},
      {{"learning-rate", 0.01}, {"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-3}, {"weight-decay", 0.5}},
      {{"learning-rate", 0.02}, {"beta1", 0.5}, {"beta2", 0.9}, {"epsilon", 0.1}, {"weight-decay", 0.1}}};
  for (const Hyperparameters& set : sets) {
    const double eta = set.at("learning-rate");
    const double beta1 = set.at("beta1");
    const double beta2 = set.at("beta2");
    const double epsilon = set.at("epsilon");
    const double lambda = set.at("weight-decay");
    expect_same_path("lamb", set, [=] {
      return [=, m = Vector(), v = Vector()](Vector& x, const Vector& g, int t) mutable {
        m.resize(x.size());
        v.resize(x.size());
        Vector u(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
          m[i] = beta1 * m[i] + (1 - beta1) * g[i];
          v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
          const double m_hat = m[i] / (1 - std::pow(beta1, t));
          const double v_hat = v[i] / (1 - std::pow(beta2, t));
          u[i] = m_hat / (std::sqrt(v_hat) + epsilon) + lambda * x[i];
        }
        const double ratio = length(x) / length(u);
        for (std::size_t i = 0; i < x.size(); ++i) x[i] -= eta * ratio * u[i];
      };
    });
  }
}

TEST(Lion, FollowsAlgorithm2) {
  // Small steps: at the optimum the sign of the direction would be that of noise.
  const std::vector<Hyperparameters> sets = {
      {{"learning-rate", 0.001}, {"beta1", 0.9}, {"beta2", 0.99}, {"weight-decay", 0}},
      {{"learning-rate", 0.001}, {"beta1", 0.9}, {"beta2", 0.99}, {"weight-decay", 0.5}},
      {{"learning-rate", 0.003}, {"beta1", 0.95}, {"beta2", 0.98}, {"weight-decay", 1}},
      {{"learning-rate", 0.0003}, {"beta1", 0.5}, {"beta2", 0.9}, {"weight-decay", 3}}};
  for (const Hyperparameters& set : sets) {
    const double eta = set.at("learning-rate");
    const double beta1 = set.at("beta1");
    const double beta2 = set.at("beta2");
    const double lambda = set.at("weight-decay");
    expect_same_path("lion", set, [=] {
      return [=, m = Vector()](Vector& theta, const Vector& g, int /*t*/) mutable {
        m.resize(theta.size());
        for (std::size_t i = 0; i < theta.size(); ++i) {
          const double c = beta1 * m[i] + (1 - beta1) * g[i];
          theta[i] -= eta * ((c > 0) - (c < 0) + lambda * theta[i]);
          m[i] = beta2 * m[i] + (1 - beta2) * g[i];
        }
      };
    });
  }
}

// The slides of the lecture have ε inside the root.
TEST(AdaGrad, WithEpsilonInsideIsTheSlidesForm) {
  for (const double epsilon : {1e-4, 0.01, 1.0}) {
    expect_same_path("adagrad", {{"learning-rate", 0.1}, {"epsilon", epsilon}, {"epsilon-placement", 1}},
                     [=] {
                       return [=, v = Vector()](Vector& x, const Vector& g, int /*t*/) mutable {
                         v.resize(x.size());
                         for (std::size_t i = 0; i < x.size(); ++i) {
                           v[i] += g[i] * g[i];
                           x[i] -= 0.1 / std::sqrt(v[i] + epsilon) * g[i];
                         }
                       };
                     });
  }
}

TEST(RmsProp, WithEpsilonInsideIsTheSlidesForm) {
  for (const double beta : {0.5, 0.9, 0.99}) {
    expect_same_path("rmsprop",
                     {{"learning-rate", 0.02}, {"beta", beta}, {"epsilon", 0.01}, {"epsilon-placement", 1}},
                     [=] {
                       return [=, v = Vector()](Vector& x, const Vector& g, int /*t*/) mutable {
                         v.resize(x.size());
                         for (std::size_t i = 0; i < x.size(); ++i) {
                           v[i] = beta * v[i] + (1 - beta) * g[i] * g[i];
                           x[i] -= 0.02 / std::sqrt(v[i] + 0.01) * g[i];
                         }
                       };
                     });
  }
}

}  // namespace
}  // namespace lockstep
