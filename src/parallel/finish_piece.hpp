#pragma once

#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// gradient = sums / divisor, `count` values; returns the sum of its squares.
double finish_piece(Real* gradient, const Real* sums, Index count, Real divisor);
/// gradient = (left + right) / divisor, likewise. The gradient may stand where one of them does.
double finish_piece(Real* gradient, const Real* left, const Real* right, Index count, Real divisor);

}  // namespace lockstep::inline LOCKSTEP_REAL
