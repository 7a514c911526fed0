#include <cmath>

#include "core/multiversion.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "optim/norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

struct Constants {
  Real beta1, beta2, rest1, rest2, epsilon, lambda;  // rest = 1 - β, subtracted in double
  Real correction1, correction2;                     // 1 - β₁ᵗ and √(1 - β₂ᵗ)
};

LOCKSTEP_MULTIVERSION
void direction(const Real* x, const Real* g, Real* m, Real* v, Real* u, Index n, const Constants& constants) {
  const Constants c = constants;  // a copy, so that the stores below cannot change it
  for (Index i = 0; i < n; ++i) {
    m[i] = flushed(c.beta1 * m[i] + c.rest1 * g[i]);
    v[i] = flushed(c.beta2 * v[i] + c.rest2 * g[i] * g[i]);
    const Real root = std::sqrt(v[i]) / c.correction2;
    u[i] = (m[i] / c.correction1) / (root + c.epsilon) + c.lambda * x[i];
  }
}

LOCKSTEP_MULTIVERSION
void step(Real* x, const Real* u, Index n, Real rate) {
  for (Index i = 0; i < n; ++i) x[i] -= rate * u[i];
}

void update(const Hyperparameters& values, const Update& update) {
  const double beta1 = values.at("beta1");
  const double beta2 = values.at("beta2");
  const auto t = static_cast<double>(update.t);
  const Constants constants{.beta1 = static_cast<Real>(beta1),
                            .beta2 = static_cast<Real>(beta2),
                            .rest1 = static_cast<Real>(1 - beta1),
                            .rest2 = static_cast<Real>(1 - beta2),
                            .epsilon = static_cast<Real>(values.at("epsilon")),
                            .lambda = static_cast<Real>(update.lambda),
                            .correction1 = static_cast<Real>(1 - portable::pow(beta1, t)),
                            .correction2 = static_cast<Real>(std::sqrt(1 - portable::pow(beta2, t)))};
  const auto n = static_cast<Index>(update.x.size());
  const std::span<Real> u = update.state[2];
  direction(update.x.data(), update.g.data(), update.state[0].data(), update.state[1].data(), u.data(), n,
            constants);
  const double x_norm = norm(update.x);
  const double u_norm = norm(u);
  const double ratio = x_norm > 0 && u_norm > 0 ? x_norm / u_norm : 1;
  step(update.x.data(), u.data(), n, static_cast<Real>(update.alpha * ratio));
}

std::vector<KeptValues> state(const Hyperparameters& /*values*/, const ParameterTensor& tensor,
                              std::size_t /*group*/) {
  return one_per_parameter(tensor, {"mean", "square", "direction"});
}

}  // namespace

Algorithm lamb_algorithm() {
  return {
      .name = "lamb",
      .hyperparameters =
          {{"learning-rate", 0.001, 0, 1e6, "step size α"},
           {"beta1", 0.9, 0, 1, "decay β₁ of the mean of gradients", {}, Numbers::kBelowHighest},
           {"beta2", 0.999, 0, 1, "decay β₂ of the mean of squared gradients", {}, Numbers::kBelowHighest},
           {"epsilon", 1e-6, 0, 1, "ε added to the root"},
           {"weight-decay", 0, 0, 1e6, "decay λ, part of the direction"}},
      .state = state,
      .update = update,
      .scope = Scope::kTensor};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
