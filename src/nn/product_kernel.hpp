#pragma once

#include <type_traits>

#include "core/vector_unit.hpp"
#include "lockstep/core/index.hpp"
#include "lockstep/nn/bfloat16_pair.hpp"

namespace lockstep {

/// A part of c = a b, some rows high and one or two vectors wide. Every element is one chain of fused
/// multiply-adds in rising order of its terms, so that neither the vectors' width nor the way in which a
/// product is cut into tiles can be seen in the result. The terms may stand in several pieces of memory.
/// Factors are numbers of the result's type, a term each, or pairs of terms in bfloat16 (Bfloat16Pair).
template <typename Result, typename Factor = Result>
struct ProductTile {
  const Factor* a;  ///< its first row and first term
  Index a_pitch;    ///< from row to row, or from term to term where a is read by columns
  const Factor* b;  ///< its first term and first column; b is read in whole vectors
  Index b_pitch;    ///< from term to term
  Index terms;      ///< of a piece
  Index pieces;
  Index a_step;  ///< from piece to piece
  Index b_step;
  Result* c;
  Index c_pitch;
  Index columns;              ///< of c that there are
  bool goes_on;               ///< from what c holds, and not from +0
  bool adds;                  ///< to what c holds, at the end
  const Result* column_bias;  ///< added to each row at the end, or null
  const Result* row_bias;     ///< added to each column at the end, or null
};

/// So many tiles of a kind, one after the other, and the way in memory from each to the next.
struct TileRun {
  Index count;
  Index a_step = 0;
  Index b_step = 0;
  Index c_step = 0;
  Index bias_step = 0;
};

/// Rows of `columns` values, at from[i * from_pitch].
template <typename T>
using Move = void (*)(const T* from, Index from_pitch, Index rows, Index columns, T* to, Index to_pitch);

/// What products of matrices are made of, for these types and one vector unit.
template <typename Result, typename Factor = Result>
struct ProductKernel {
  static constexpr Index kMostRows = 14;

  Index rows;   ///< of a tile, at most
  Index lanes;  ///< of a vector of results, each of which takes one factor at a time

  /// [a is read by columns][width of the tile in vectors, less one][rows of the tile, less one]
  void (*tiles[2][2][kMostRows])(const ProductTile<Result, Factor>& tile);
  /// Likewise, of tiles that do not go on: for few terms, of which a call for each tile takes a good part.
  void (*runs[2][2][kMostRows])(const ProductTile<Result, Factor>& first, const TileRun& run);

  /// to[i * to_pitch + j] = from[i * from_pitch + j], and what is then missing in a row to a whole vector is
  /// +0.
  Move<Factor> pack;
  /// to[j * to_pitch + i] = from[i * from_pitch + j], likewise.
  Move<Factor> pack_transpose;
  /// The same, and nothing beyond the values.
  Move<Result> transpose;
};

template <typename Result, typename Factor, VectorUnit>
const ProductKernel<Result, Factor>& product_kernel_of();

/// That of this process's vector unit.
template <typename Result, typename Factor>
const ProductKernel<Result, Factor>& product_kernel() {
  const auto make = []<VectorUnit unit>() -> const ProductKernel<Result, Factor>& {
    return product_kernel_of<Result, Factor, unit>();
  };
  if constexpr (std::is_same_v<Factor, Bfloat16Pair>) {
    return for_vector_unit_with_bf16(make);
  } else {
    return for_vector_unit(make);
  }
}

}  // namespace lockstep
