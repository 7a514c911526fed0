#pragma once

#include <Eigen/Core>

#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// [samples x features] or [outputs x inputs], row-major, contiguous. Views do not own.
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<Matrix>;
using ConstMatrixView = Eigen::Map<const Matrix>;

using Bfloat16 = Eigen::bfloat16;

/// Views of a whole matrix.
inline ConstMatrixView view(const Matrix& matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }
inline MatrixView view(Matrix& matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }
inline ConstMatrixView read_only(MatrixView matrix) { return {matrix.data(), matrix.rows(), matrix.cols()}; }

/// Rows [first, first + count) of `matrix`.
template <typename Values>
Eigen::Map<Values> rows(Eigen::Map<Values> matrix, Index first, Index count) {
  return {matrix.data() + first * matrix.cols(), count, matrix.cols()};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
