#pragma once

#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// total[i] += values[i] for i = 0 … n - 1. By one thread, by vectors.
void add_to(Real* total, const Real* values, Index n);

/// sums[i] = a[i] + b[i]; sums may be a.
void add(const Real* a, const Real* b, Real* sums, Index n);

}  // namespace lockstep::inline LOCKSTEP_REAL
