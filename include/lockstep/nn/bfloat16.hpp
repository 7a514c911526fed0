#pragma once

#include <vector>

#include "lockstep/nn/matrix.hpp"

namespace lockstep {

/// In which numbers a linear layer multiplies. Sums, parameters, gradients and everything else are Real.
/// kBfloat16: factors rounded to 8 significant bits, products summed in float (Kalamkar et al.: A study of
/// bfloat16 for deep learning training, arXiv 1905.12322).
enum class Precision { kFloat32, kBfloat16 };

/// `values` rounded to the nearest bfloat16, ties to even. NaN stays NaN.
void to_bfloat16(const Real* values, Index count, Bfloat16* result);

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

}  // namespace lockstep
