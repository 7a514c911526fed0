#pragma once

#include <vector>

#include "lockstep/nn/bfloat16_pair.hpp"
#include "lockstep/nn/matrix.hpp"
#include "lockstep/nn/row_block.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Products of factors in bfloat16, for units that meet Precision::kBfloat16.
///
/// The terms of an element go in pairs, (0, 1), (2, 3) and so on, a last one alone with +0. From +0 on, with
/// each pair, the sum c becomes fma(a[0], b[0], fma(a[1], b[1], c)) in float, where a factor or a sum that is
/// less than the least normal number is zero; the bias is added last. That is what the instruction VDPBF16PS
/// of AVX512_BF16 does. On processors without it the same bits come in several steps, which is slower than
/// products of float. In the double build sums are double.

/// Whether this process multiplies bfloat16 by the processor's own instruction.
bool has_fast_bfloat16();

/// Values that were rounded to the nearest bfloat16, ties to even, in pairs, row-major.
using ConstPairsView =
    Eigen::Map<const Eigen::Matrix<Bfloat16Pair, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

/// Memory for the pairs of a matrix, which grows and is kept.
class Bfloat16Matrix {
 public:
  /// Pairs of neighbours in a row: of [rows x columns] they are [rows x columns / 2, rounded up].
  void assign_rows(ConstMatrixView values);

  /// Pairs of neighbours in a column: [rows / 2, rounded up x columns].
  void assign_columns(ConstMatrixView values);

  /// Pairs of neighbours in a column of a micro-batch. Those of micro-batch `m` are the rows from m.first on.
  void assign_columns(ConstMatrixView values, const RowBlock& block);

  ConstPairsView view() const { return {pairs_.data(), rows_, columns_}; }
  ConstPairsView of(const MicroBatchRows& m) const { return rows(view(), m.first, (m.count + 1) / 2); }

 private:
  void resize(Index rows, Index columns);
  /// Of rows [first, first + count) of `values`, from row `to` on.
  void assign_columns(ConstMatrixView values, Index first, Index count, Index to);

  static constexpr Index kGrain = Index{1} << 15U;  // pairs that are worth a thread

  std::vector<Bfloat16Pair> pairs_;
  Index rows_ = 0;
  Index columns_ = 0;
};

/// y = x wᵀ + bias for every row. x and w in pairs of neighbours in a row; bias [out], y [rows x out].
void multiply_forward(ConstPairsView x, ConstPairsView w, const Real* bias, MatrixView y);

/// dx = dy w. dy in pairs of neighbours in a row, w in a column; dx [rows x in].
void multiply_input_gradient(ConstPairsView dy, ConstPairsView w, MatrixView dx);

/// dw = dyᵀ x for outputs [first, first + dw.rows()). dy and x in pairs of neighbours in a column; dw [some
/// of out x in]. Where `adds`, it is added to what stands there.
void multiply_weight_gradient(ConstPairsView dy, Index first, ConstPairsView x, MatrixView dw,
                              bool adds = false);

}  // namespace lockstep::inline LOCKSTEP_REAL
