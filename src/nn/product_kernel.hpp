#pragma once

#include "core/vector_unit.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

/// A part of c = a b, some rows high and one or two vectors wide. Every element is one chain of fused
/// multiply-adds in rising order of its terms, so that neither the vectors' width nor the way in which a
/// product is cut into tiles can be seen in the result. The terms may stand in several pieces of memory.
template <typename T>
struct ProductTile {
  const T* a;     ///< its first row and first term
  Index a_pitch;  ///< from row to row, or from term to term where a is read by columns
  const T* b;     ///< its first term and first column; b is read in whole vectors
  Index b_pitch;  ///< from term to term
  Index terms;    ///< of a piece
  Index pieces;
  Index a_step;  ///< from piece to piece
  Index b_step;
  T* c;
  Index c_pitch;
  Index columns;         ///< of c that there are
  bool goes_on;          ///< from what c holds, and not from +0
  const T* column_bias;  ///< added to each row at the end, or null
  const T* row_bias;     ///< added to each column at the end, or null
};

/// What products of matrices are made of, for numbers of type T and one vector unit.
template <typename T>
struct ProductKernel {
  static constexpr Index kMostRows = 14;

  Index rows;   ///< of a tile, at most
  Index lanes;  ///< of a vector

  /// [a is read by columns][width of the tile in vectors, less one][rows of the tile, less one]
  void (*tiles[2][2][kMostRows])(const ProductTile<T>& tile);

  /// to[i * to_pitch + j] = from[i * from_pitch + j] for i < rows, j < columns.
  void (*copy)(const T* from, Index from_pitch, Index rows, Index columns, T* to, Index to_pitch);
  /// to[j * to_pitch + i] = from[i * from_pitch + j] for i < rows, j < columns.
  void (*transpose)(const T* from, Index from_pitch, Index rows, Index columns, T* to, Index to_pitch);
};

template <typename T, VectorUnit>
const ProductKernel<T>& product_kernel_of();

/// That of this process's vector unit.
template <typename T>
const ProductKernel<T>& product_kernel() {
  return for_vector_unit(
      []<VectorUnit unit>() -> const ProductKernel<T>& { return product_kernel_of<T, unit>(); });
}

}  // namespace lockstep
