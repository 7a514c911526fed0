#pragma once

#include <cstdint>

#include "lockstep/nn/bfloat16_pair.hpp"

// Always inline, so that sources which are compiled once for each vector unit may include this.

namespace lockstep {

/// The bits of the bfloat16 nearest to `value`, ties to even. NaN stays NaN.
[[gnu::always_inline]] inline std::uint32_t nearest_bfloat16(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  constexpr std::uint32_t kInfinity = 0x7f800000;
  constexpr std::uint32_t kQuiet = 0x0040;  // keeps a NaN from becoming an infinity
  // Half of the last place that stays, less a tie's even one, carries into it.
  const std::uint32_t nearest = (bits + 0x7fff + ((bits >> 16U) & 1U)) >> 16U;
  const bool is_nan = (bits & 0x7fffffffU) > kInfinity;
  return is_nan ? (bits >> 16U) | kQuiet : nearest;
}

/// As products take it, with zero for a subnormal number (lockstep/nn/bfloat16_products.hpp).
[[gnu::always_inline]] inline std::uint32_t factor_of_product(float value) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  constexpr std::uint32_t kSign = 0x8000;
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  return (bits & kExponent) == 0 ? (bits >> 16U) & kSign : nearest_bfloat16(value);
}

[[gnu::always_inline]] inline Bfloat16Pair pair_of(float first, float second) {
  return factor_of_product(first) | factor_of_product(second) << 16U;
}

}  // namespace lockstep
