#pragma once

#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The Hessian of a summed loss by the parameters of a network that is one linear unit:
/// H = Σ_rows S ⊗ x̃ x̃ᵀ, with S the second derivative of the row's loss by its outputs and x̃ = (x, 1). Exact,
/// because the outputs are linear in the parameters. Packed form: for each pair of outputs a <= b one block
/// [inputs + 1, inputs + 1], which sums over rows, micro-batches and ranks as a gradient does. Local.
class LinearHessian {
 public:
  /// What keeps it from being known for `model` and `loss`, as one sentence with what to do: a network that
  /// is not one linear unit, a loss without second derivative, a matrix beyond kMostParameters². Empty:
  /// nothing.
  static std::string obstacle(const Network& model, const Loss& loss);

  /// Errors: an obstacle.
  LinearHessian(const Network& model, const Loss& loss);

  static constexpr Index kMostParameters = 10000;  ///< two matrices of 0.8 GB on every rank, beside the sums

  /// Values of the packed form.
  Index size() const;

  /// Writes the packed Hessian of the loss summed over rows with inputs x [rows x inputs] and outputs
  /// [rows x outputs], each times its weight in `weights` [rows], unless there are none; rows >= 1.
  void compute(ConstMatrixView x, ConstMatrixView outputs, std::span<const Real> weights, Real* packed);

  /// The symmetric matrix [parameters x parameters] of a packed sum, in the order of the parameter vector.
  Eigen::MatrixXd unpack(std::span<const Real> packed) const;

 private:
  const Loss& loss_;
  Index inputs_;
  Index outputs_;
  Matrix extended_;                // x̃, [rows x inputs + 1]
  Matrix weighted_;                // the same, row by row times S_ab
  std::vector<double> curvature_;  // S of every row
};

}  // namespace lockstep::inline LOCKSTEP_REAL
