#pragma once

#include "core/vector_unit.hpp"
#include "lockstep/core/index.hpp"
#include "lockstep/nn/bfloat16_pair.hpp"

namespace lockstep {

/// How values become pairs (pair_of), for numbers of type T and one vector unit.
template <typename T>
struct Bfloat16Loops {
  /// pairs[i] = (values[2 i], values[2 i + 1])
  void (*pair_neighbours)(const T* values, Index count, Bfloat16Pair* pairs);
  /// pairs[i] = (first[i], second[i])
  void (*pair_rows)(const T* first, const T* second, Index count, Bfloat16Pair* pairs);
};

template <typename T, VectorUnit>
const Bfloat16Loops<T>& bfloat16_loops_of();

/// Those of this process's vector unit.
template <typename T>
const Bfloat16Loops<T>& bfloat16_loops() {
  return for_vector_unit_with_bf16(
      []<VectorUnit unit>() -> const Bfloat16Loops<T>& { return bfloat16_loops_of<T, unit>(); });
}

}  // namespace lockstep
