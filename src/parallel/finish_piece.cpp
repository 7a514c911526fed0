#include "parallel/finish_piece.hpp"

#include "core/multiversion.hpp"
#include "optim/norm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

LOCKSTEP_MULTIVERSION
void divide(Real* result, const Real* values, Index count, Real divisor) {
  for (Index i = 0; i < count; ++i) result[i] = values[i] / divisor;
}

LOCKSTEP_MULTIVERSION
void divide_sum(Real* result, const Real* left, const Real* right, Index count, Real divisor) {
  for (Index i = 0; i < count; ++i) result[i] = (left[i] + right[i]) / divisor;
}

}  // namespace

double finish_piece(Real* gradient, const Real* sums, Index count, Real divisor) {
  divide(gradient, sums, count, divisor);
  return sum_of_squares({gradient, static_cast<std::size_t>(count)});
}

double finish_piece(Real* gradient, const Real* left, const Real* right, Index count, Real divisor) {
  divide_sum(gradient, left, right, count, divisor);
  return sum_of_squares({gradient, static_cast<std::size_t>(count)});
}

}  // namespace lockstep::inline LOCKSTEP_REAL
