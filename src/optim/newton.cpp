#include <algorithm>
#include <limits>

#include <Eigen/Cholesky>

#include "lockstep/core/error.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

using Vector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

/// (H + μ I)⁻¹ g, with μ grown from `damping` until H + μ I can be decomposed.
Eigen::VectorXd solve(const Eigen::Map<const Eigen::MatrixXd>& h, const Eigen::VectorXd& g, double damping) {
  const double largest = h.cwiseAbs().maxCoeff();
  if (!h.allFinite() || !g.allFinite()) throw Diverged("newton: the Hessian or the gradient is not finite");
  const double scale = largest > 0 ? largest : 1;
  const double resolution = static_cast<double>(h.rows()) * std::numeric_limits<Real>::epsilon();
  constexpr double kMost = 1e6;
  Eigen::MatrixXd damped;
  double mu = damping;
  while (mu <= kMost) {
    damped = h;
    damped.diagonal().array() += mu * scale;
    const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> cholesky(damped);  // in place
    if (cholesky.info() == Eigen::Success) return cholesky.solve(g);
    mu = std::max(10 * mu, resolution);
  }
  throw Diverged("newton: the Hessian cannot be decomposed, however damped");
}

void update(const Hyperparameters& values, const Update& u) {
  const auto n = static_cast<Index>(u.x.size());
  const Eigen::VectorXd direction =
      solve(Eigen::Map<const Eigen::MatrixXd>(u.hessian.data(), n, n),
            Eigen::Map<const Vector>(u.g.data(), n).cast<double>(), values.at("damping"));
  Eigen::Map<Vector> x(u.x.data(), n);
  x = (x.cast<double>() - u.alpha * direction).cast<Real>();
}

std::vector<KeptValues> state(const Hyperparameters& /*values*/, const ParameterTensor& /*tensor*/,
                              std::size_t /*group*/) {
  return {};
}

}  // namespace

Algorithm newton_algorithm() {
  return {.name = "newton",
          .hyperparameters = {{"learning-rate", 1, 0, 1e6, "step size α"},
                              {"damping", 1e-10, 0, 1e6, "μ over the largest element of the Hessian"}},
          .state = state,
          .update = update,
          .scope = Scope::kModel,
          .needs_hessian = true};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
