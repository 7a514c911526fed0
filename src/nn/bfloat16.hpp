#pragma once

#include "lockstep/nn/bfloat16_pair.hpp"
#include "lockstep/nn/matrix.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// `values` rounded to the nearest bfloat16, ties to even. NaN stays NaN.
void to_bfloat16(const Real* values, Index count, Bfloat16* result);

/// The values of `values`, exactly.
void from_bfloat16(const Bfloat16* values, Index count, Real* result);

/// Each of `values` becomes the nearest bfloat16, as with to_bfloat16.
void round_to_bfloat16(Real* values, Index count);

/// sum[i] + values[i], rounded to the nearest bfloat16, takes the place of sum[i].
void add_rounded_to_bfloat16(Real* sum, const Real* values, Index count);

/// `count` values in pairs of neighbours, a last one alone with +0.
void to_pairs(const Real* values, Index count, Bfloat16Pair* pairs);

/// (first[i], second[i]) for i < count; of null, +0.
void to_pairs(const Real* first, const Real* second, Index count, Bfloat16Pair* pairs);

}  // namespace lockstep::inline LOCKSTEP_REAL
