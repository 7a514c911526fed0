#include "lockstep/core/random.hpp"

#include <cmath>

#include <Random123/philox.h>

#include "lockstep/core/functions.hpp"

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
    const double radius = std::sqrt(-2.0 * portable::log(1.0 - uniform(bits[pair])));
    const double turns = uniform(bits[pair + 1]);
    result[pair] = radius * portable::cos_pi(2 * turns);
    result[pair + 1] = radius * portable::sin_pi(2 * turns);
  }
  return result;
}

}  // namespace lockstep
