#pragma once

#include <Eigen/Core>

#include "lockstep/core/real.hpp"

namespace lockstep {

/// [samples x features] or [outputs x inputs], row-major, contiguous. Views do not own.
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<Matrix>;
using ConstMatrixView = Eigen::Map<const Matrix>;

inline ConstMatrixView read_only(MatrixView matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }

/// Rows [first, first + count) of `matrix`.
inline MatrixView rows(MatrixView matrix, Index first, Index count) {
  return {matrix.data() + first * matrix.cols(), count, matrix.cols()};
}
inline ConstMatrixView rows(ConstMatrixView matrix, Index first, Index count) {
  return {matrix.data() + first * matrix.cols(), count, matrix.cols()};
}

}  // namespace lockstep
