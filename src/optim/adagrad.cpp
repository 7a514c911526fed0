#include <cmath>

#include "core/multiversion.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

LOCKSTEP_MULTIVERSION
void step(Real* x, const Real* g, Real* v, Index n, Real alpha, Real epsilon, bool inside) {
  for (Index i = 0; i < n; ++i) {
    v[i] = flushed(v[i] + g[i] * g[i]);
    const Real root = inside ? std::sqrt(v[i] + epsilon) : std::sqrt(v[i]) + epsilon;
    x[i] -= alpha * g[i] / root;
  }
}

void update(const Hyperparameters& values, const Update& u) {
  step(u.x.data(), u.g.data(), u.state[0].data(), static_cast<Index>(u.x.size()), static_cast<Real>(u.alpha),
       static_cast<Real>(values.at("epsilon")), values.at("epsilon-placement") != 0);
}

std::vector<KeptValues> state(const Hyperparameters& /*values*/, const ParameterTensor& tensor,
                              std::size_t /*group*/) {
  return one_per_parameter(tensor, {"square_sum"});
}

}  // namespace

Algorithm adagrad_algorithm() {
  return {.name = "adagrad",
          .hyperparameters =
              {{"learning-rate", 0.01, 0, 1e6, "step size α"},
               {"epsilon", 1e-10, 0, 1, "ε added to the root"},
               {"epsilon-placement", 0, 0, 1, "ε outside or inside the root", {"outside", "inside"}}},
          .state = state,
          .update = update};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
