#include <fmt/format.h>

#include "lockstep/nn/products.hpp"

namespace lockstep {

void multiply_forward(ConstMatrixView x, ConstMatrixView w, const Real* bias, MatrixView y) {
  y.noalias() = x * w.transpose();
  y.rowwise() += Eigen::Map<const Eigen::Matrix<Real, 1, Eigen::Dynamic>>(bias, y.cols());
}

void multiply_input_gradient(ConstMatrixView dy, ConstMatrixView w, MatrixView dx) { dx.noalias() = dy * w; }

void multiply_weight_gradient(ConstMatrixView dy, Index first, ConstMatrixView x, MatrixView dw) {
  dw.noalias() = dy.middleCols(first, dw.rows()).transpose() * x;
}

std::string products_library() {
  return fmt::format("Eigen {}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
}

}  // namespace lockstep
