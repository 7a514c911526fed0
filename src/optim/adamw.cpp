#include <cmath>

#include "lockstep/core/multiversion.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep {

namespace {

struct Constants {
  Real alpha, beta1, beta2, epsilon, shrink;
  // 1 - β₁ and 1 - β₂, subtracted in double: from the float nearest to 0.999 the rest would be wrong by 5e-5.
  Real rest1, rest2;
  Real correction1, correction2;  // 1 - β₁ᵗ and √(1 - β₂ᵗ)
};

LOCKSTEP_MULTIVERSION
void step(Real* theta, const Real* g, Real* m, Real* v, Index n, const Constants& constants) {
  const Constants c = constants;  // a copy, so that the stores below cannot change it
  const Real rate = c.alpha / c.correction1;
  for (Index i = 0; i < n; ++i) {
    m[i] = c.beta1 * m[i] + c.rest1 * g[i];
    v[i] = c.beta2 * v[i] + c.rest2 * g[i] * g[i];
    const Real root = std::sqrt(v[i]) / c.correction2;
    theta[i] = c.shrink * theta[i] - rate * (m[i] / (root + c.epsilon));
  }
}

void update(const Hyperparameters& values, const Update& u) {
  const double beta1 = values.at("beta1");
  const double beta2 = values.at("beta2");
  const auto t = static_cast<double>(u.t);
  const Constants constants{.alpha = static_cast<Real>(u.alpha),
                            .beta1 = static_cast<Real>(beta1),
                            .beta2 = static_cast<Real>(beta2),
                            .epsilon = static_cast<Real>(values.at("epsilon")),
                            .shrink = static_cast<Real>(1 - u.alpha * u.lambda),
                            .rest1 = static_cast<Real>(1 - beta1),
                            .rest2 = static_cast<Real>(1 - beta2),
                            .correction1 = static_cast<Real>(1 - std::pow(beta1, t)),
                            .correction2 = static_cast<Real>(std::sqrt(1 - std::pow(beta2, t)))};
  step(u.x.data(), u.g.data(), u.state[0].data(), u.state[1].data(), static_cast<Index>(u.x.size()),
       constants);
}

}  // namespace

Algorithm adamw() {
  return {.name = "adamw",
          .hyperparameters = {{"learning-rate", 0.001, 0, 1e6, "step size α"},
                              {"weight-decay", 0.01, 0, 1e6, "decoupled decay λ"},
                              {"beta1", 0.9, 0, 0.9999999, "decay β₁ of the mean of gradients"},
                              {"beta2", 0.999, 0, 0.9999999, "decay β₂ of the mean of squared gradients"},
                              {"epsilon", 1e-8, 0, 1, "ε added to the root"}},
          .state = {"mean", "square"},
          .update = update};
}

}  // namespace lockstep
