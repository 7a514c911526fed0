// The algorithms that PyTorch does not have, beside transcriptions of their papers in double, written from
// the papers' pseudo-code alone; and the forms of the lecture's slides.

#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "nn_helpers.hpp"
#include <gtest/gtest.h>

#include "lockstep/optim/optimizer.hpp"

namespace lockstep {
namespace {

using Vector = std::vector<double>;
using test::kIsDouble;
using test::random_values;

constexpr std::size_t kSize = 30;
constexpr int kSteps = 50;
constexpr double kTolerance = kIsDouble ? 1e-9 : 1e-4;

double length(const Vector& v) { return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0)); }

/// One tensor's step by the paper: changes x, given its gradient and the step from 1.
using PaperStep = std::function<void(Vector& x, const Vector& g, int t)>;

/// Descends on ½ Σ a (x - b)² with both, each with gradients at its own point.
void expect_same_path(const std::string& name, const Hyperparameters& given, const PaperStep& paper_step) {
  ParameterLayout layout;
  layout.add("0.weight", {6, 5}, ParameterKind::kWeight);
  OptimizerOptions options{.name = name, .hyperparameters = given};
  for (const Hyperparameter& h : find_algorithm(name).hyperparameters) {
    options.hyperparameters.try_emplace(h.name, h.default_value);
  }
  Optimizer optimizer(options, layout);

  const std::vector<Real> a = random_values(kSize, 1);
  const std::vector<Real> b = random_values(kSize, 2);
  std::vector<Real> x = random_values(kSize, 3);
  Vector paper_x(x.begin(), x.end());
  for (int t = 1; t <= kSteps; ++t) {
    std::vector<Real> g(kSize);
    Vector paper_g(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      g[i] = (a[i] + 2) * (x[i] - b[i]);
      paper_g[i] = (double{a[i]} + 2) * (paper_x[i] - b[i]);
    }
    optimizer.step(x, g, 1, 1, static_cast<std::uint64_t>(t));
    paper_step(paper_x, paper_g, t);
  }
  for (std::size_t i = 0; i < kSize; ++i) {
    EXPECT_NEAR(x[i], paper_x[i], kTolerance * std::max(1.0, std::abs(paper_x[i]))) << name << " " << i;
  }
}

TEST(Lars, FollowsAlgorithm1) {
  for (const double beta : {0.0, 0.02}) {
    const double gamma = 0.5;
    const double eta = 0.05;
    const double m = 0.9;
    Vector v(kSize, 0);
    expect_same_path("lars",
                     {{"learning-rate", gamma}, {"trust", eta}, {"momentum", m}, {"weight-decay", beta}},
                     [&](Vector& w, const Vector& g, int /*t*/) {
                       const double rate = eta * length(w) / (length(g) + beta * length(w));
                       for (std::size_t i = 0; i < w.size(); ++i) {
                         v[i] = m * v[i] + gamma * rate * (g[i] + beta * w[i]);
                         w[i] = w[i] - v[i];
                       }
                     });
  }
}

TEST(Lamb, FollowsAlgorithm2) {
  for (const double lambda : {0.0, 0.02}) {
    const double eta = 0.03;
    const double beta1 = 0.8;
    const double beta2 = 0.95;
    const double epsilon = 1e-6;
    Vector m(kSize, 0);
    Vector v(kSize, 0);
    expect_same_path("lamb",
                     {{"learning-rate", eta},
                      {"beta1", beta1},
                      {"beta2", beta2},
                      {"epsilon", epsilon},
                      {"weight-decay", lambda}},
                     [&](Vector& x, const Vector& g, int t) {
                       Vector u(kSize);
                       for (std::size_t i = 0; i < x.size(); ++i) {
                         m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                         v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                         const double m_hat = m[i] / (1 - std::pow(beta1, t));
                         const double v_hat = v[i] / (1 - std::pow(beta2, t));
                         u[i] = m_hat / (std::sqrt(v_hat) + epsilon) + lambda * x[i];
                       }
                       const double ratio = length(x) / length(u);
                       for (std::size_t i = 0; i < x.size(); ++i) x[i] -= eta * ratio * u[i];
                     });
  }
}

TEST(Lion, FollowsAlgorithm2) {
  // Away from the optimum, where the sign of the direction is that of noise.
  for (const double lambda : {0.0, 0.5}) {
    const double eta = 0.001;
    Vector m(kSize, 0);
    expect_same_path("lion",
                     {{"learning-rate", eta}, {"beta1", 0.9}, {"beta2", 0.99}, {"weight-decay", lambda}},
                     [&](Vector& theta, const Vector& g, int /*t*/) {
                       for (std::size_t i = 0; i < theta.size(); ++i) {
                         const double c = 0.9 * m[i] + 0.1 * g[i];
                         theta[i] -= eta * ((c > 0) - (c < 0) + lambda * theta[i]);
                         m[i] = 0.99 * m[i] + 0.01 * g[i];
                       }
                     });
  }
}

// The slides of the lecture have ε inside the root.
TEST(AdaGrad, WithEpsilonInsideIsTheSlidesForm) {
  Vector v(kSize, 0);
  expect_same_path("adagrad", {{"learning-rate", 0.1}, {"epsilon", 0.01}, {"epsilon-placement", 1}},
                   [&](Vector& x, const Vector& g, int /*t*/) {
                     for (std::size_t i = 0; i < x.size(); ++i) {
                       v[i] += g[i] * g[i];
                       x[i] -= 0.1 / std::sqrt(v[i] + 0.01) * g[i];
                     }
                   });
}

TEST(RmsProp, WithEpsilonInsideIsTheSlidesForm) {
  Vector v(kSize, 0);
  expect_same_path("rmsprop",
                   {{"learning-rate", 0.02}, {"beta", 0.9}, {"epsilon", 0.01}, {"epsilon-placement", 1}},
                   [&](Vector& x, const Vector& g, int /*t*/) {
                     for (std::size_t i = 0; i < x.size(); ++i) {
                       v[i] = 0.9 * v[i] + 0.1 * g[i] * g[i];
                       x[i] -= 0.02 / std::sqrt(v[i] + 0.01) * g[i];
                     }
                   });
}

}  // namespace
}  // namespace lockstep
