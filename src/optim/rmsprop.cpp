#include <cmath>

#include "core/multiversion.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

struct Constants {
  Real alpha, beta, rest, epsilon, gamma;  // rest = 1 - β, subtracted in double
  bool inside, centered;
};

LOCKSTEP_MULTIVERSION
void step(Real* x, const Real* g, Real* v, Real* mean, Real* y, Index n, const Constants& constants) {
  const Constants c = constants;  // a copy, so that the stores below cannot change it
  for (Index i = 0; i < n; ++i) {
    v[i] = flushed(c.beta * v[i] + c.rest * g[i] * g[i]);
    mean[i] = c.centered ? flushed(c.beta * mean[i] + c.rest * g[i]) : Real(0);
    const Real spread = v[i] - mean[i] * mean[i];
    const Real root = c.inside ? std::sqrt(spread + c.epsilon) : std::sqrt(spread) + c.epsilon;
    y[i] = flushed(c.gamma * y[i] + g[i] / root);
    x[i] -= c.alpha * y[i];
  }
}

void update(const Hyperparameters& values, const Update& u) {
  const double beta = values.at("beta");
  const Constants constants{.alpha = static_cast<Real>(u.alpha),
                            .beta = static_cast<Real>(beta),
                            .rest = static_cast<Real>(1 - beta),
                            .epsilon = static_cast<Real>(values.at("epsilon")),
                            .gamma = static_cast<Real>(values.at("momentum")),
                            .inside = values.at("epsilon-placement") != 0,
                            .centered = values.at("centered") != 0};
  step(u.x.data(), u.g.data(), u.state[0].data(), u.state[1].data(), u.state[2].data(),
       static_cast<Index>(u.x.size()), constants);
}

std::vector<KeptValues> state(const Hyperparameters& /*values*/, const ParameterTensor& tensor,
                              std::size_t /*group*/) {
  return one_per_parameter(tensor, {"square", "mean", "momentum"});
}

}  // namespace

Algorithm rmsprop_algorithm() {
  return {.name = "rmsprop",
          .hyperparameters =
              {{"learning-rate", 0.01, 0, 1e6, "step size α"},
               {"beta", 0.99, 0, 1, "decay β of the mean of squared gradients", {}, Numbers::kBelowHighest},
               {"epsilon", 1e-8, 0, 1, "ε added to the root"},
               {"epsilon-placement", 0, 0, 1, "ε outside or inside the root", {"outside", "inside"}},
               {"centered", 0, 0, 1, "divide by the deviation instead of the mean square", kFlag},
               {"momentum", 0, 0, 1, "γ of the running sum of steps"}},
          .state = state,
          .update = update};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
