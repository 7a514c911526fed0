#include <algorithm>

#include <Eigen/Cholesky>

#include "lockstep/core/error.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep {

namespace {

/// H + μ I, with μ grown from `damping` until it can be decomposed.
Eigen::LLT<Eigen::MatrixXd> decompose(const Eigen::Map<const Eigen::MatrixXd>& h, double damping) {
  const double largest = h.cwiseAbs().maxCoeff();
  const double scale = largest > 0 ? largest : 1;
  constexpr double kLeast = 1e-12;
  constexpr double kMost = 1e6;
  for (double mu = damping; mu <= kMost; mu = std::max(10 * mu, kLeast)) {
    Eigen::MatrixXd damped = h;
    damped.diagonal().array() += mu * scale;
    Eigen::LLT<Eigen::MatrixXd> cholesky(damped);
    if (cholesky.info() == Eigen::Success) return cholesky;
  }
  fail_guard(
      "newton: the Hessian cannot be decomposed, however damped; look for features that are not finite");
}

void update(const Hyperparameters& values, const Update& u) {
  const auto n = static_cast<Index>(u.x.size());
  using Vector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;
  const Eigen::VectorXd g = Eigen::Map<const Vector>(u.g.data(), n).cast<double>();
  const Eigen::VectorXd direction =
      decompose(Eigen::Map<const Eigen::MatrixXd>(u.hessian.data(), n, n), values.at("damping")).solve(g);
  Eigen::Map<Vector> x(u.x.data(), n);
  x = (x.cast<double>() - u.alpha * direction).cast<Real>();
}

std::vector<std::string> state(const Hyperparameters& /*values*/) { return {}; }

}  // namespace

Algorithm newton() {
  return {.name = "newton",
          .hyperparameters = {{"learning-rate", 1, 0, 1e6, "step size α"},
                              {"damping", 1e-10, 0, 1e6, "μ over the largest element of the Hessian"}},
          .state = state,
          .update = update,
          .scope = Scope::kModel,
          .needs_hessian = true};
}

}  // namespace lockstep
