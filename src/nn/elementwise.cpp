#include "nn/elementwise.hpp"

#include "core/multiversion.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

LOCKSTEP_MULTIVERSION
void add_to(Real* total, const Real* values, Index n) {
  for (Index i = 0; i < n; ++i) total[i] += values[i];
}

LOCKSTEP_MULTIVERSION
void add(const Real* a, const Real* b, Real* sums, Index n) {
  if (sums == a) {
    for (Index i = 0; i < n; ++i) sums[i] += b[i];
  } else {
    for (Index i = 0; i < n; ++i) sums[i] = a[i] + b[i];
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
