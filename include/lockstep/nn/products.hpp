#pragma once

#include <string>

#include "lockstep/nn/matrix.hpp"

namespace lockstep {

/// The three matrix products of a linear layer, one thread each. The bits of a product depend on its shapes
/// and values alone; float uses oneDNN where the build has it, everything else Eigen.

/// y = x wᵀ + bias for every row. x [rows x in], w [out x in], bias [out], y [rows x out].
void multiply_forward(ConstMatrixView x, ConstMatrixView w, const Real* bias, MatrixView y);

/// dx = dy w. dy [rows x out], w [out x in], dx [rows x in].
void multiply_input_gradient(ConstMatrixView dy, ConstMatrixView w, MatrixView dx);

/// dw = dyᵀ x for outputs [first, first + dw.rows()). dy [rows x out], x [rows x in], dw [some of out x in].
void multiply_weight_gradient(ConstMatrixView dy, Index first, ConstMatrixView x, MatrixView dw);

/// Name and version of the library behind the products, for the record of a run.
std::string products_library();

}  // namespace lockstep
