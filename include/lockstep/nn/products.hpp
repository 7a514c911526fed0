#pragma once

#include "lockstep/nn/matrix.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The three matrix products of a linear unit, by the threads of this process or, inside a loop that they
/// share, by the calling one. Those of factors in bfloat16 are in lockstep/nn/bfloat16_products.hpp.
///
/// Each element is defined as fma(a[K-1], b[K-1], … fma(a[0], b[0], +0)), with the bias added last: the same
/// bits on every processor and with any number of threads, and each row's are those of a product of that row
/// alone.

/// y = x wᵀ + bias for every row. x [rows x in], w [out x in], bias [out], y [rows x out].
void multiply_forward(ConstMatrixView x, ConstMatrixView w, const Real* bias, MatrixView y);

/// dx = dy w. dy [rows x out], w [out x in], dx [rows x in].
void multiply_input_gradient(ConstMatrixView dy, ConstMatrixView w, MatrixView dx);

/// dw = dyᵀ x for outputs [first, first + dw.rows()). dy [rows x out], x [rows x in], dw [some of out x in].
/// Where `adds`, it is added to what stands there.
void multiply_weight_gradient(ConstMatrixView dy, Index first, ConstMatrixView x, MatrixView dw,
                              bool adds = false);

}  // namespace lockstep::inline LOCKSTEP_REAL
