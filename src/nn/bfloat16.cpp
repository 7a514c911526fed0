#include "nn/bfloat16.hpp"

#include <bit>
#include <cstdint>

#include "core/multiversion.hpp"
#include "nn/bfloat16_loops.hpp"
#include "nn/bfloat16_rounding.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

inline Real value_of_bits(std::uint32_t bits) { return static_cast<Real>(std::bit_cast<float>(bits << 16U)); }

LOCKSTEP_MULTIVERSION
void round_all(const Real* values, Index count, std::uint16_t* result) {
  for (Index i = 0; i < count; ++i)
    result[i] = static_cast<std::uint16_t>(nearest_bfloat16(static_cast<float>(values[i])));
}

LOCKSTEP_MULTIVERSION
void widen_all(const std::uint16_t* values, Index count, Real* result) {
  for (Index i = 0; i < count; ++i) result[i] = value_of_bits(values[i]);
}

}  // namespace

LOCKSTEP_MULTIVERSION
void round_to_bfloat16(Real* values, Index count) {
  for (Index i = 0; i < count; ++i)
    values[i] = value_of_bits(nearest_bfloat16(static_cast<float>(values[i])));
}

LOCKSTEP_MULTIVERSION
void add_rounded_to_bfloat16(Real* sum, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i)
    sum[i] = value_of_bits(nearest_bfloat16(static_cast<float>(sum[i] + values[i])));
}

void to_bfloat16(const Real* values, Index count, Bfloat16* result) {
  static_assert(sizeof(Bfloat16) == sizeof(std::uint16_t));
  round_all(values, count, reinterpret_cast<std::uint16_t*>(result));
}

void from_bfloat16(const Bfloat16* values, Index count, Real* result) {
  widen_all(reinterpret_cast<const std::uint16_t*>(values), count, result);
}

void to_pairs(const Real* values, Index count, Bfloat16Pair* pairs) {
  bfloat16_loops<Real>().pair_neighbours(values, count / 2, pairs);
  if (count % 2 != 0) pairs[count / 2] = pair_of(static_cast<float>(values[count - 1]), 0);
}

void to_pairs(const Real* first, const Real* second, Index count, Bfloat16Pair* pairs) {
  if (first == nullptr) {
    for (Index i = 0; i < count; ++i)
      pairs[i] = second == nullptr ? 0 : pair_of(0, static_cast<float>(second[i]));
  } else if (second == nullptr) {
    for (Index i = 0; i < count; ++i) pairs[i] = pair_of(static_cast<float>(first[i]), 0);
  } else {
    bfloat16_loops<Real>().pair_rows(first, second, count, pairs);
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
