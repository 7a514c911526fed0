#pragma once

#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// sums[i] = a[i] + b[i] for i = 0 … n - 1; sums may be a. By one thread, by vectors.
void add_each(const Real* a, const Real* b, Real* sums, Index n);

}  // namespace lockstep::inline LOCKSTEP_REAL
