#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Deflate packs at most 258 bytes into two bits; zlib states 1032:1.
inline constexpr std::uint64_t kLargestDeflateRatio = 1032;

/// The product of `sizes`, none of which is negative; the largest number where it is larger still.
inline std::uint64_t product(std::span<const Index> sizes) {
  std::uint64_t result = 1;
  for (const Index size : sizes) {
    if (__builtin_mul_overflow(result, static_cast<std::uint64_t>(size), &result)) {
      return std::numeric_limits<std::uint64_t>::max();
    }
  }
  return result;
}

}  // namespace lockstep
