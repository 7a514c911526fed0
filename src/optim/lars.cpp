#include <cmath>

#include "core/multiversion.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "optim/norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

LOCKSTEP_MULTIVERSION
void step(Real* w, const Real* g, Real* v, Index n, Real rate, Real gamma, Real lambda) {
  for (Index i = 0; i < n; ++i) {
    v[i] = flushed(gamma * v[i] + rate * (g[i] + lambda * w[i]));
    w[i] -= v[i];
  }
}

void update(const Hyperparameters& values, const Update& u) {
  const double w_norm = norm(u.x);
  const double g_norm = norm(u.g);
  const bool defined = w_norm > 0 && g_norm > 0;
  const double local_rate = defined ? values.at("trust") * w_norm / (g_norm + u.lambda * w_norm) : 1;
  step(u.x.data(), u.g.data(), u.state[0].data(), static_cast<Index>(u.x.size()),
       static_cast<Real>(u.alpha * local_rate), static_cast<Real>(values.at("momentum")),
       static_cast<Real>(u.lambda));
}

std::vector<KeptValues> state(const Hyperparameters& /*values*/, const ParameterTensor& tensor,
                              std::size_t /*group*/) {
  return one_per_parameter(tensor, {"momentum"});
}

}  // namespace

Algorithm lars_algorithm() {
  return {.name = "lars",
          .hyperparameters = {{"learning-rate", 1, 0, 1e6, "global step size α"},
                              {"trust", 0.001, 0, 1e6, "η of the local rate η ‖w‖ / (‖g‖ + λ ‖w‖)"},
                              {"momentum", 0.9, 0, 1, "γ of the running sum of steps"},
                              {"weight-decay", 0, 0, 1e6, "decay λ, part of the local rate"}},
          .state = state,
          .update = update,
          .scope = Scope::kTensor};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
