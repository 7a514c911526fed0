#pragma once

// The tiles of ProductKernel, for sources that are compiled once for each vector unit. Where factors are not
// of the sums' type, such a source says before it includes this how they meet them: fused(FactorVector,
// FactorVector, Vector).

#include "nn/product_kernel.hpp"
#include "nn/vector.hpp"

namespace lockstep {

namespace {

#if defined(__AVX512F__) || defined(__ARM_NEON)
constexpr int kTileRows = 14;  // 28 of 32 registers hold sums
#else
constexpr int kTileRows = 6;  // 12 of 16
#endif

template <typename T, typename Factor, bool kByColumns, int kWidth, int kRows, bool kGoesOn>
LOCKSTEP_INLINE void tile(const ProductTile<T, Factor>& t) {
  const Index a_pitch = t.a_pitch;
  const int in_last = static_cast<int>(t.columns) - (kWidth - 1) * kLanes<T>;
  const bool is_whole = in_last == kLanes<T>;
  // Rows of a are reached from one pointer for some of them: with one for all, their distances from it take
  // more registers than there are, and so the compiler must not know how the pointers hang together.
  constexpr Index kGroup = kByColumns ? kRows : 4;
  constexpr Index kGroups = (kRows + kGroup - 1) / kGroup;
  Vector<T> sums[kRows][kWidth];
#pragma GCC unroll 14
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) {
      const T* const from = t.c + i * t.c_pitch + j * kLanes<T>;
      if constexpr (!kGoesOn) {
        sums[i][j] = Vector<T>{};
      } else {
        sums[i][j] = j + 1 < kWidth || is_whole ? load(from) : load_first(from, in_last);
      }
    }
  }
  for (Index piece = 0; piece < t.pieces; ++piece) {
    const Factor* a[kGroups];
    for (Index g = 0; g < kGroups; ++g) {
      a[g] = t.a + piece * t.a_step + g * kGroup * (kByColumns ? 1 : a_pitch);
      asm("" : "+r"(a[g]));
    }
    const Factor* b = t.b + piece * t.b_step;
    for (Index k = 0; k < t.terms; ++k) {
      FactorVector<T, Factor> row[kWidth];
#pragma GCC unroll 2
      for (int j = 0; j < kWidth; ++j) row[j] = load_as<FactorVector<T, Factor>>(b + j * kLanes<T>);
#pragma GCC unroll 14
      for (int i = 0; i < kRows; ++i) {
        const auto factor =
            all_lanes<FactorVector<T, Factor>>(a[i / kGroup][i % kGroup * (kByColumns ? 1 : a_pitch)]);
#pragma GCC unroll 2
        for (int j = 0; j < kWidth; ++j) sums[i][j] = fused(factor, row[j], sums[i][j]);
      }
      for (Index g = 0; g < kGroups; ++g) a[g] += kByColumns ? a_pitch : 1;
      b += t.b_pitch;
    }
  }
  if (t.column_bias != nullptr) {
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) {
      const T* const from = t.column_bias + j * kLanes<T>;
      const Vector<T> bias = j + 1 < kWidth || is_whole ? load(from) : load_first(from, in_last);
#pragma GCC unroll 14
      for (int i = 0; i < kRows; ++i) sums[i][j] += bias;
    }
  }
  if (t.row_bias != nullptr) {
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int j = 0; j < kWidth; ++j) sums[i][j] += all_lanes<Vector<T>>(t.row_bias[i]);
    }
  }
  if (t.adds) {
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int j = 0; j < kWidth; ++j) {
        const T* const from = t.c + i * t.c_pitch + j * kLanes<T>;
        sums[i][j] += j + 1 < kWidth || is_whole ? load(from) : load_first(from, in_last);
      }
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < kRows; ++i) {
    T* const to = t.c + i * t.c_pitch;
    if constexpr (kWidth == 2) store(to, sums[i][0]);
    T* const last = to + (kWidth - 1) * kLanes<T>;
    if (is_whole) {
      store(last, sums[i][kWidth - 1]);
    } else {
      store_first(last, sums[i][kWidth - 1], in_last);
    }
  }
}

template <typename T, typename Factor, bool kByColumns, int kWidth, int kRows>
void any_tile(const ProductTile<T, Factor>& t) {
  if (t.goes_on) {
    tile<T, Factor, kByColumns, kWidth, kRows, true>(t);
  } else {
    tile<T, Factor, kByColumns, kWidth, kRows, false>(t);
  }
}

template <typename T, typename Factor, bool kByColumns, int kWidth, int kRows>
void run_of_tiles(const ProductTile<T, Factor>& first, const TileRun& run) {
  ProductTile<T, Factor> t = first;
  for (Index i = 0; i < run.count; ++i) {
    tile<T, Factor, kByColumns, kWidth, kRows, false>(t);
    t.a += run.a_step;
    t.b += run.b_step;
    t.c += run.c_step;
    if (t.column_bias != nullptr) t.column_bias += run.bias_step;
    if (t.row_bias != nullptr) t.row_bias += run.bias_step;
  }
}

/// The first `count` lanes, at least one, filled up to a multiple of kPadding with what v has there.
template <int kPadding, typename T>
LOCKSTEP_INLINE void store_padded(T* to, Vector<T> v, int count) {
  if constexpr (kPadding == kLanes<T>) {
    store(to, v);
  } else {
    store_first(to, v, (count + kPadding - 1) / kPadding * kPadding);
  }
}

template <typename T, int kPadding>
void pack(const T* from, Index from_pitch, Index rows, Index columns, T* to, Index to_pitch) {
  const int rest = static_cast<int>(columns % kLanes<T>);
  const Index whole = columns - rest;
  for (Index i = 0; i < rows; ++i, from += from_pitch, to += to_pitch) {
    for (Index j = 0; j < whole; j += kLanes<T>) store(to + j, load(from + j));
    if (rest != 0) store_padded<kPadding, T>(to + whole, load_first(from + whole, rest), rest);
  }
}

/// Of a square of lanes, or of so many of its rows and columns.
template <typename T, int kPadding, bool kIsWhole>
LOCKSTEP_INLINE void transpose_block(const T* from, Index from_pitch, int rows, int columns, T* to,
                                     Index to_pitch) {
  constexpr int kAhead = 2 * kLanes<T>;
  Vector<T> lines[kLanes<T>];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) {
    if constexpr (kIsWhole) {
      __builtin_prefetch(from + i * from_pitch + kAhead);
      lines[i] = load(from + i * from_pitch);
    } else {
      lines[i] = i < rows ? load_first(from + i * from_pitch, columns) : Vector<T>{};
    }
  }
  transpose<T>(lines);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) {
    if constexpr (kIsWhole) {
      store(to + i * to_pitch, lines[i]);
    } else if (i < columns) {
      store_padded<kPadding, T>(to + i * to_pitch, lines[i], rows);
    }
  }
}

template <typename T, int kPadding>
void transpose_any(const T* from, Index from_pitch, Index rows, Index columns, T* to, Index to_pitch) {
  constexpr Index kSide = kLanes<T>;
  for (Index i = 0; i < rows; i += kSide) {
    const int high = static_cast<int>(rows - i < kSide ? rows - i : kSide);
    for (Index j = 0; j < columns; j += kSide) {
      const int wide = static_cast<int>(columns - j < kSide ? columns - j : kSide);
      const T* const block = from + i * from_pitch + j;
      T* const turned = to + j * to_pitch + i;
      if (high == kSide && wide == kSide) {
        transpose_block<T, kPadding, true>(block, from_pitch, high, wide, turned, to_pitch);
      } else {
        transpose_block<T, kPadding, false>(block, from_pitch, high, wide, turned, to_pitch);
      }
    }
  }
}

template <bool kByColumns, int kWidth, int kMostRows, int kRows = 1, typename T, typename Factor>
constexpr void fill(ProductKernel<T, Factor>& kernel) {
  kernel.tiles[kByColumns ? 1 : 0][kWidth - 1][kRows - 1] = any_tile<T, Factor, kByColumns, kWidth, kRows>;
  kernel.runs[kByColumns ? 1 : 0][kWidth - 1][kRows - 1] = run_of_tiles<T, Factor, kByColumns, kWidth, kRows>;
  if constexpr (kRows < kMostRows) fill<kByColumns, kWidth, kMostRows, kRows + 1>(kernel);
}

/// With tiles of up to kRows rows.
template <typename T, typename Factor, int kRows>
constexpr ProductKernel<T, Factor> make_kernel() {
  ProductKernel<T, Factor> kernel{.rows = kRows,
                                  .lanes = kLanes<T>,
                                  .tiles = {},
                                  .runs = {},
                                  .pack = pack<Factor, kLanes<T>>,
                                  .pack_transpose = transpose_any<Factor, kLanes<T>>,
                                  .transpose = transpose_any<T, 1>};
  fill<false, 1, kRows>(kernel);
  fill<false, 2, kRows>(kernel);
  fill<true, 1, kRows>(kernel);
  fill<true, 2, kRows>(kernel);
  return kernel;
}

}  // namespace

}  // namespace lockstep
