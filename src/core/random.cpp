#include "lockstep/core/random.hpp"

#include <cmath>
#include <numbers>

#include <Random123/philox.h>

namespace lockstep {

RandomBits random_bits(std::uint64_t seed, Purpose purpose, const RandomCounter& counter) {
  const r123::Philox4x64::ctr_type position = {{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x64::key_type key = {{seed, static_cast<std::uint64_t>(purpose)}};
  const auto bits = r123::Philox4x64()(position, key);
  return {bits[0], bits[1], bits[2], bits[3]};
}

double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11U) * 0x1p-53; }

std::array<double, 4> normal(const RandomBits& bits) {
  std::array<double, 4> result{};
  for (std::size_t pair = 0; pair < 4; pair += 2) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform(bits[pair])));
    const double angle = 2.0 * std::numbers::pi * uniform(bits[pair + 1]);
    result[pair] = radius * std::cos(angle);
    result[pair + 1] = radius * std::sin(angle);
  }
  return result;
}

}  // namespace lockstep
