#include <cmath>

#include "core/multiversion.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

struct Constants {
  Real alpha, beta1, beta2, epsilon, shrink;
  // 1 - β₁ and 1 - β₂, subtracted in double: from the float nearest to 0.999 the rest would be wrong by 5e-5.
  Real rest1, rest2;
  Real correction1, correction2;  // 1 - β₁ᵗ and √(1 - β₂ᵗ)
};

LOCKSTEP_MULTIVERSION
void plain(Real* theta, const Real* g, Real* m, Real* v, Index n, const Constants& constants) {
  const Constants c = constants;  // a copy, so that the stores below cannot change it
  const Real rate = c.alpha / c.correction1;
  for (Index i = 0; i < n; ++i) {
    m[i] = flushed(c.beta1 * m[i] + c.rest1 * g[i]);
    v[i] = flushed(c.beta2 * v[i] + c.rest2 * g[i] * g[i]);
    const Real root = std::sqrt(v[i]) / c.correction2;
    theta[i] = c.shrink * theta[i] - rate * (m[i] / (root + c.epsilon));
  }
}

LOCKSTEP_MULTIVERSION
void amsgrad(Real* theta, const Real* g, Real* m, Real* v, Real* largest, Index n,
             const Constants& constants) {
  const Constants c = constants;
  const Real rate = c.alpha / c.correction1;
  for (Index i = 0; i < n; ++i) {
    m[i] = flushed(c.beta1 * m[i] + c.rest1 * g[i]);
    v[i] = flushed(c.beta2 * v[i] + c.rest2 * g[i] * g[i]);
    largest[i] = largest[i] > v[i] ? largest[i] : v[i];
    const Real root = std::sqrt(largest[i]) / c.correction2;
    theta[i] = c.shrink * theta[i] - rate * (m[i] / (root + c.epsilon));
  }
}

void step(const Hyperparameters& values, const Update& u, double shrink) {
  const double beta1 = values.at("beta1");
  const double beta2 = values.at("beta2");
  const auto t = static_cast<double>(u.t);
  const Constants constants{.alpha = static_cast<Real>(u.alpha),
                            .beta1 = static_cast<Real>(beta1),
                            .beta2 = static_cast<Real>(beta2),
                            .epsilon = static_cast<Real>(values.at("epsilon")),
                            .shrink = static_cast<Real>(shrink),
                            .rest1 = static_cast<Real>(1 - beta1),
                            .rest2 = static_cast<Real>(1 - beta2),
                            .correction1 = static_cast<Real>(1 - portable::pow(beta1, t)),
                            .correction2 = static_cast<Real>(std::sqrt(1 - portable::pow(beta2, t)))};
  const auto n = static_cast<Index>(u.x.size());
  if (values.at("amsgrad") == 0) {
    plain(u.x.data(), u.g.data(), u.state[0].data(), u.state[1].data(), n, constants);
  } else {
    amsgrad(u.x.data(), u.g.data(), u.state[0].data(), u.state[1].data(), u.state[2].data(), n, constants);
  }
}

void update_adam(const Hyperparameters& values, const Update& u) { step(values, u, 1); }

void update_adamw(const Hyperparameters& values, const Update& u) {
  const bool by_schedule = values.at("decay-scaling") != 0;
  step(values, u, 1 - (by_schedule ? u.eta : u.alpha) * u.lambda);
}

std::vector<KeptValues> state(const Hyperparameters& values, const ParameterTensor& tensor,
                              std::size_t /*group*/) {
  if (values.at("amsgrad") == 0) return one_per_parameter(tensor, {"mean", "square"});
  return one_per_parameter(tensor, {"mean", "square", "largest_square"});
}

}  // namespace

Algorithm adam_algorithm() {
  return {
      .name = "adam",
      .hyperparameters =
          {{"learning-rate", 0.001, 0, 1e6, "step size α"},
           {"beta1", 0.9, 0, 1, "decay β₁ of the mean of gradients", {}, Numbers::kBelowHighest},
           {"beta2", 0.999, 0, 1, "decay β₂ of the mean of squared gradients", {}, Numbers::kBelowHighest},
           {"epsilon", 1e-8, 0, 1, "ε added to the root"},
           {"amsgrad", 0, 0, 1, "divide by the largest mean square so far", kFlag}},
      .state = state,
      .update = update_adam};
}

Algorithm adamw_algorithm() {
  Algorithm algorithm = adam_algorithm();
  algorithm.name = "adamw";
  algorithm.hyperparameters.push_back({"weight-decay", 0.01, 0, 1e6, "decoupled decay λ"});
  algorithm.hyperparameters.push_back({"decay-scaling",
                                       0,
                                       0,
                                       1,
                                       "what scales the decay beside λ: "
                                       "learning-rate, or schedule (its multiplier alone)",
                                       {"learning-rate", "schedule"}});
  algorithm.update = update_adamw;
  return algorithm;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
