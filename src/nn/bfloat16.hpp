#pragma once

#include <vector>

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

/// A matrix rounded to bfloat16.
class Bfloat16Matrix {
 public:
  /// Takes the place of what was here before; allocates only when it is larger than any before.
  void assign(ConstMatrixView values);

  ConstBfloat16View view() const { return {values_.data(), rows_, columns_}; }

 private:
  std::vector<Bfloat16> values_;
  Index rows_ = 0;
  Index columns_ = 0;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
