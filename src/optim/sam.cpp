#include <utility>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

LOCKSTEP_MULTIVERSION
void climb(Real* w, const Real* g, Index n, Real scale) {
  for (Index i = 0; i < n; ++i) w[i] += scale * g[i];
}

void perturb(const Hyperparameters& values, const Perturbation& p) {
  if (p.gradient_norm == 0) return;
  climb(p.x.data(), p.g.data(), std::ssize(p.x), static_cast<Real>(values.at("rho") / p.gradient_norm));
}

}  // namespace

Algorithm sam_algorithm(Algorithm base) {
  LOCKSTEP_CHECK(!base.needs_hessian && base.perturb == nullptr);
  base.name = "sam-" + base.name;
  base.hyperparameters.push_back(
      {"rho", 0.05, 0, 1e6, "ρ, how far from the weights the gradient of the step is taken"});
  base.perturb = perturb;
  return base;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
