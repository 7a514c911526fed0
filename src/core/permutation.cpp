#include "lockstep/core/permutation.hpp"

#include <bit>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

// Small domains have few bits to mix, so more rounds than the four of the classical proof.
constexpr std::uint64_t kRounds = 12;

constexpr std::uint64_t low_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

}  // namespace

Permutation::Permutation(std::uint64_t seed, Purpose purpose, std::uint64_t stream, Index size)
    : seed_(seed), purpose_(purpose), stream_(stream), size_(size) {
  LOCKSTEP_CHECK(size > 0);
  const auto bits = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(size - 1)));
  left_bits_ = bits / 2;
  right_bits_ = bits - left_bits_;
}

Index Permutation::operator()(Index position) const {
  LOCKSTEP_CHECK(0 <= position && position < size_);
  auto value = static_cast<std::uint64_t>(position);
  do {
    value = encrypt(value);
  } while (value >= static_cast<std::uint64_t>(size_));
  return static_cast<Index>(value);
}

std::uint64_t Permutation::encrypt(std::uint64_t value) const {
  std::uint64_t left = value >> right_bits_;
  std::uint64_t right = value & low_bits(right_bits_);
  for (std::uint64_t round = 0; round < kRounds; round += 2) {
    left ^= random_bits(seed_, purpose_, {stream_, round, right, 0})[0] & low_bits(left_bits_);
    right ^= random_bits(seed_, purpose_, {stream_, round + 1, left, 0})[0] & low_bits(right_bits_);
  }
  return left << right_bits_ | right;
}

}  // namespace lockstep
