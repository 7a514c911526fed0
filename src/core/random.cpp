#include "lockstep/core/random.hpp"

#include <algorithm>
#include <cmath>

#include <Random123/philox.h>

#include "lockstep/core/error.hpp"
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
  normal({&bits, 1}, result);
  return result;
}

void normal(std::span<const RandomBits> bits, std::span<double> numbers) {
  LOCKSTEP_CHECK(numbers.size() == 4 * bits.size());
  constexpr std::size_t kPairs = 64;  // at a time, as the functions are fast for arrays
  std::array<double, kPairs> log{};
  std::array<double, kPairs> cosine{};
  std::array<double, kPairs> sine{};
  for (std::size_t first = 0; first < 2 * bits.size(); first += kPairs) {
    const std::size_t count = std::min(kPairs, 2 * bits.size() - first);
    const auto half = [&](std::size_t pair, std::size_t which) {
      return uniform(bits[(first + pair) / 2][2 * ((first + pair) % 2) + which]);
    };
    for (std::size_t i = 0; i < count; ++i) {
      log[i] = 1.0 - half(i, 0);
      sine[i] = 2 * half(i, 1);
    }
    portable::log(log.data(), log.data(), static_cast<Index>(count));
    portable::cos_pi(sine.data(), cosine.data(), static_cast<Index>(count));
    portable::sin_pi(sine.data(), sine.data(), static_cast<Index>(count));
    for (std::size_t i = 0; i < count; ++i) {
      const double radius = std::sqrt(-2.0 * log[i]);
      numbers[2 * (first + i)] = radius * cosine[i];
      numbers[2 * (first + i) + 1] = radius * sine[i];
    }
  }
}

}  // namespace lockstep
