#include "core/multiversion.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

Real sign(Real value) { return value > 0 ? Real(1) : value < 0 ? Real(-1) : Real(0); }

LOCKSTEP_MULTIVERSION
void step(Real* theta, const Real* g, Real* m, Index n, Real alpha, Real beta1, Real beta2, Real shrink) {
  for (Index i = 0; i < n; ++i) {
    const Real c = beta1 * m[i] + (1 - beta1) * g[i];
    theta[i] = shrink * theta[i] - alpha * sign(c);
    m[i] = flushed(beta2 * m[i] + (1 - beta2) * g[i]);
  }
}

void update(const Hyperparameters& values, const Update& u) {
  step(u.x.data(), u.g.data(), u.state[0].data(), static_cast<Index>(u.x.size()), static_cast<Real>(u.alpha),
       static_cast<Real>(values.at("beta1")), static_cast<Real>(values.at("beta2")),
       static_cast<Real>(1 - u.alpha * u.lambda));
}

std::vector<KeptValues> state(const Hyperparameters& /*values*/, const ParameterTensor& tensor,
                              std::size_t /*group*/) {
  return one_per_parameter(tensor, {"mean"});
}

}  // namespace

Algorithm lion_algorithm() {
  return {
      .name = "lion",
      .hyperparameters =
          {{"learning-rate", 0.0001, 0, 1e6, "step size α"},
           {"beta1", 0.9, 0, 1, "weight β₁ of the mean in the step's direction", {}, Numbers::kBelowHighest},
           {"beta2", 0.99, 0, 1, "decay β₂ of the mean of gradients", {}, Numbers::kBelowHighest},
           {"weight-decay", 0, 0, 1e6, "decoupled decay λ"}},
      .state = state,
      .update = update};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
