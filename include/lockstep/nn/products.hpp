#pragma once

#include <string>

#include "lockstep/nn/matrix.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The three matrix products of a linear unit, by the threads of this process or, inside a loop that they
/// share, by the calling one. Sums and results are Real, the factors Real or bfloat16.
///
/// Of factors in Real, each element is defined as fma(a[K-1], b[K-1], … fma(a[0], b[0], +0)), with the bias
/// added last: the same bits on every processor and with any number of threads, and each row's are those of a
/// product of that row alone. Of factors in bfloat16, which are multiplied by oneDNN where the build has it,
/// the bits depend on shapes, threads, library and processor.

/// y = x wᵀ + bias for every row. x [rows x in], w [out x in], bias [out], y [rows x out].
void multiply_forward(ConstMatrixView x, ConstMatrixView w, const Real* bias, MatrixView y);
void multiply_forward(ConstBfloat16View x, ConstBfloat16View w, const Real* bias, MatrixView y);

/// dx = dy w. dy [rows x out], w [out x in], dx [rows x in].
void multiply_input_gradient(ConstMatrixView dy, ConstMatrixView w, MatrixView dx);
void multiply_input_gradient(ConstBfloat16View dy, ConstBfloat16View w, MatrixView dx);

/// dw = dyᵀ x for outputs [first, first + dw.rows()). dy [rows x out], x [rows x in], dw [some of out x in].
void multiply_weight_gradient(ConstMatrixView dy, Index first, ConstMatrixView x, MatrixView dw);
void multiply_weight_gradient(ConstBfloat16View dy, Index first, ConstBfloat16View x, MatrixView dw);

/// Why products of bfloat16 would not be faster here; empty where they are.
std::string bfloat16_obstacle();

/// Name and version of the library behind the products of bfloat16, and the vector instructions that it uses
/// here, as "oneDNN 2.6.3, avx512_core_bf16": its bits depend on both.
std::string bfloat16_library();

}  // namespace lockstep::inline LOCKSTEP_REAL
