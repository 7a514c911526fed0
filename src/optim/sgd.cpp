#include "core/multiversion.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

LOCKSTEP_MULTIVERSION
void plain(Real* x, const Real* g, Index n, Real alpha, Real shrink) {
  for (Index i = 0; i < n; ++i) x[i] = shrink * x[i] - alpha * g[i];
}

LOCKSTEP_MULTIVERSION
void momentum(Real* x, const Real* g, Real* y, Index n, Real alpha, Real gamma, Real shrink) {
  for (Index i = 0; i < n; ++i) {
    y[i] = flushed(gamma * y[i] + g[i]);
    x[i] = shrink * x[i] - alpha * y[i];
  }
}

LOCKSTEP_MULTIVERSION
void nesterov(Real* x, const Real* g, Real* y, Index n, Real alpha, Real gamma, Real shrink) {
  for (Index i = 0; i < n; ++i) {
    y[i] = flushed(gamma * y[i] + g[i]);
    x[i] = shrink * x[i] - alpha * (g[i] + gamma * y[i]);
  }
}

void update(const Hyperparameters& values, const Update& u) {
  const auto n = static_cast<Index>(u.x.size());
  const auto alpha = static_cast<Real>(u.alpha);
  const auto gamma = static_cast<Real>(values.at("momentum"));
  const auto shrink = static_cast<Real>(1 - u.alpha * u.lambda);
  if (gamma == 0) {
    plain(u.x.data(), u.g.data(), n, alpha, shrink);
  } else if (values.at("nesterov") == 0) {
    momentum(u.x.data(), u.g.data(), u.state[0].data(), n, alpha, gamma, shrink);
  } else {
    nesterov(u.x.data(), u.g.data(), u.state[0].data(), n, alpha, gamma, shrink);
  }
}

std::vector<KeptValues> state(const Hyperparameters& values, const ParameterTensor& tensor,
                              std::size_t /*group*/) {
  if (values.at("momentum") == 0) return {};
  return one_per_parameter(tensor, {"momentum"});
}

}  // namespace

Algorithm sgd_algorithm() {
  return {.name = "sgd",
          .hyperparameters = {{"learning-rate", 0.1, 0, 1e6, "step size α"},
                              {"weight-decay", 0, 0, 1e6, "decoupled decay λ"},
                              {"momentum", 0, 0, 1, "γ of the running sum of gradients"},
                              {"nesterov", 0, 0, 1, "take the gradient where the momentum will lead", kFlag}},
          .state = state,
          .update = update};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
