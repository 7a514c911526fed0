#pragma once

#include <string>
#include <vector>

#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {

/// How far the analytic gradient of one tensor is from the numeric one.
struct GradientCheck {
  std::string tensor;
  Index checked = 0;  ///< elements compared
  /// |analytic - numeric| / max(|analytic|, |numeric|, 1e-3 largest of the tensor, 1e-4 largest of all).
  double largest_error = 0;
  Index worst_element = 0;
};

}  // namespace lockstep

namespace lockstep::inline LOCKSTEP_REAL {

/// The gradient of the summed loss over one block taken as a single micro-batch, [layout().size()]; returns
/// the summed loss. The plain large-batch gradient, without tree or ranks.
double plain_gradient(Network& model, const Loss& loss, const RowBlock& block, ConstMatrixView x,
                      const Targets& targets, std::span<Real> gradient);

/// Compares the analytic gradient with central differences (f(θ + h) - f(θ - h)) / 2h at up to `per_tensor`
/// randomly chosen elements of every tensor. Meaningful in double only. Local.
std::vector<GradientCheck> check_gradients(Network& model, const Loss& loss, const RowBlock& block,
                                           ConstMatrixView x, const Targets& targets, Index per_tensor);

}  // namespace lockstep::inline LOCKSTEP_REAL
