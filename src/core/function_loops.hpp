#pragma once

#include "core/vector_unit.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep::portable::detail {

/// A function of one variable over arrays of each type.
struct FunctionLoop {
  void (*in_float)(const float* x, float* y, Index n);
  void (*in_double)(const double* x, double* y, Index n);
};

/// The functions of lockstep/core/functions.hpp, as compiled for one vector unit.
struct FunctionLoops {
  FunctionLoop exp, log, log1p, tanh, erfc, logistic, softplus, gelu, gelu_slope, cos_pi, sin_pi;
  double (*pow)(double base, double exponent);
};

template <VectorUnit>
const FunctionLoops& function_loops();

}  // namespace lockstep::portable::detail
