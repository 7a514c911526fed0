#include <fmt/format.h>

#include "lockstep/nn/products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

Matrix real(ConstBfloat16View values) { return values.cast<float>().cast<Real>(); }

}  // namespace

void multiply_forward(ConstBfloat16View x, ConstBfloat16View w, const Real* bias, MatrixView y) {
  y.noalias() = real(x) * real(w).transpose();
  y.rowwise() += Eigen::Map<const Eigen::Matrix<Real, 1, Eigen::Dynamic>>(bias, y.cols());
}

void multiply_input_gradient(ConstBfloat16View dy, ConstBfloat16View w, MatrixView dx) {
  dx.noalias() = real(dy) * real(w);
}

void multiply_weight_gradient(ConstBfloat16View dy, Index first, ConstBfloat16View x, MatrixView dw) {
  dw.noalias() = real(dy).middleCols(first, dw.rows()).transpose() * real(x);
}

std::string bfloat16_obstacle() {
  return "this build has no oneDNN, whose products of bfloat16 are the fast ones";
}

std::string bfloat16_library() {
  return fmt::format("Eigen {}.{}.{}, {}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION,
                     Eigen::SimdInstructionSetsInUse());
}

}  // namespace lockstep::inline LOCKSTEP_REAL
