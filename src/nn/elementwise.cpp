#include "nn/elementwise.hpp"

#include "core/multiversion.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

LOCKSTEP_MULTIVERSION
void add_each(const Real* a, const Real* b, Real* sums, Index n) {
  if (sums == a) {
    for (Index i = 0; i < n; ++i) sums[i] += b[i];
  } else {
    for (Index i = 0; i < n; ++i) sums[i] = a[i] + b[i];
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
