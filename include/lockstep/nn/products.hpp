#pragma once

#include <string>

#include "lockstep/nn/matrix.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The three matrix products of a linear unit, by the threads of this process or, inside a loop that they
/// share, by the calling one. The bits of a product depend on its shapes and values and on the number of
/// threads; float uses oneDNN where the build has it, everything else Eigen. The factors are Real or
/// bfloat16, sums and results Real.

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

/// Name and version of the library behind the products, for the record of a run.
std::string products_library();

/// The vector instructions that it uses here, which its bits depend on, as "avx512_core_bf16".
std::string products_vector_unit();

}  // namespace lockstep::inline LOCKSTEP_REAL
