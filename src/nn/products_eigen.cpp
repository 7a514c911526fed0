#include <fmt/format.h>

#include "lockstep/nn/products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

template <typename X, typename W>
void forward(const X& x, const W& w, const Real* bias, MatrixView y) {
  y.noalias() = x * w.transpose();
  y.rowwise() += Eigen::Map<const Eigen::Matrix<Real, 1, Eigen::Dynamic>>(bias, y.cols());
}

Matrix real(ConstBfloat16View values) { return values.cast<float>().cast<Real>(); }

}  // namespace

void multiply_forward(ConstMatrixView x, ConstMatrixView w, const Real* bias, MatrixView y) {
  forward(x, w, bias, y);
}
void multiply_forward(ConstBfloat16View x, ConstBfloat16View w, const Real* bias, MatrixView y) {
  forward(real(x), real(w), bias, y);
}

void multiply_input_gradient(ConstMatrixView dy, ConstMatrixView w, MatrixView dx) { dx.noalias() = dy * w; }
void multiply_input_gradient(ConstBfloat16View dy, ConstBfloat16View w, MatrixView dx) {
  dx.noalias() = real(dy) * real(w);
}

void multiply_weight_gradient(ConstMatrixView dy, Index first, ConstMatrixView x, MatrixView dw) {
  dw.noalias() = dy.middleCols(first, dw.rows()).transpose() * x;
}
void multiply_weight_gradient(ConstBfloat16View dy, Index first, ConstBfloat16View x, MatrixView dw) {
  dw.noalias() = real(dy).middleCols(first, dw.rows()).transpose() * real(x);
}

std::string bfloat16_obstacle() {
  return "this build multiplies with Eigen, which has no products of bfloat16";
}

std::string products_library() {
  return fmt::format("Eigen {}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
}

std::string products_vector_unit() { return Eigen::SimdInstructionSetsInUse(); }

}  // namespace lockstep::inline LOCKSTEP_REAL
