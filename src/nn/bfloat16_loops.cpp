#include "nn/bfloat16_loops.hpp"

#include "nn/bfloat16_rounding.hpp"
#include "nn/vector.hpp"

namespace lockstep {

namespace {

template <typename T>
void pair_neighbours(const T* values, Index count, Bfloat16Pair* pairs) {
  for (Index i = 0; i < count; ++i) {
    pairs[i] = pair_of(static_cast<float>(values[2 * i]), static_cast<float>(values[2 * i + 1]));
  }
}

template <typename T>
void pair_rows(const T* first, const T* second, Index count, Bfloat16Pair* pairs) {
  for (Index i = 0; i < count; ++i) {
    pairs[i] = pair_of(static_cast<float>(first[i]), static_cast<float>(second[i]));
  }
}

#if defined(__AVX512BF16__)

using Pairs = Vector<Bfloat16Pair>;

/// 16 of the one and 16 of the other, one after another, as the instruction rounds: pair_of does the same.
LOCKSTEP_INLINE Pairs rounded(Vector<float> lower, Vector<float> upper) {
  return reinterpret_cast<Pairs>(_mm512_cvtne2ps_pbh(upper, lower));
}

template <>
void pair_neighbours(const float* values, Index count, Bfloat16Pair* pairs) {
  Index i = 0;
  for (; i + kLanes<float> <= count; i += kLanes<float>) {
    store(pairs + i, rounded(load(values + 2 * i), load(values + 2 * i + kLanes<float>)));
  }
  for (; i < count; ++i) pairs[i] = pair_of(values[2 * i], values[2 * i + 1]);
}

template <>
void pair_rows(const float* first, const float* second, Index count, Bfloat16Pair* pairs) {
  using Halves = short __attribute__((vector_size(kVectorBytes)));
  constexpr Halves kInTurn = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                              8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  Index i = 0;
  for (; i + kLanes<float> <= count; i += kLanes<float>) {
    const Pairs both = rounded(load(first + i), load(second + i));
    store(pairs + i, reinterpret_cast<Pairs>(_mm512_permutexvar_epi16(reinterpret_cast<__m512i>(kInTurn),
                                                                      reinterpret_cast<__m512i>(both))));
  }
  for (; i < count; ++i) pairs[i] = pair_of(first[i], second[i]);
}

#endif

constexpr Bfloat16Loops<float> kFloat{pair_neighbours<float>, pair_rows<float>};
constexpr Bfloat16Loops<double> kDouble{pair_neighbours<double>, pair_rows<double>};

}  // namespace

template <>
const Bfloat16Loops<float>& bfloat16_loops_of<float, LOCKSTEP_UNIT>() {
  return kFloat;
}
template <>
const Bfloat16Loops<double>& bfloat16_loops_of<double, LOCKSTEP_UNIT>() {
  return kDouble;
}

}  // namespace lockstep
