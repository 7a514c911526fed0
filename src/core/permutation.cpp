#include "lockstep/core/permutation.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

// Small domains have few bits to mix, so more rounds than the four of the classical proof.
constexpr std::uint64_t kRounds = 12;

constexpr std::size_t kTogether = 8;  // values on their way through the rounds

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
  Index image = 0;
  map(position, {&image, 1});
  return image;
}

void Permutation::map(Index first, std::span<Index> images) const {
  LOCKSTEP_CHECK(0 <= first && first + std::ssize(images) <= size_);
  std::array<std::uint64_t, kTogether> values{};
  for (std::size_t done = 0; done < images.size(); done += kTogether) {
    const std::size_t count = std::min(kTogether, images.size() - done);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::uint64_t>(first) + done + i;
    encrypt(std::span(values).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      while (values[i] >= static_cast<std::uint64_t>(size_)) encrypt({&values[i], 1});
      images[done + i] = static_cast<Index>(values[i]);
    }
  }
}

/// Round by round for all values: the rounds of one value wait for each other, those of several do not.
void Permutation::encrypt(std::span<std::uint64_t> values) const {
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const bool changes_left = round % 2 == 0;
    for (std::uint64_t& value : values) {
      const std::uint64_t left = value >> right_bits_;
      const std::uint64_t right = value & low_bits(right_bits_);
      const std::uint64_t bits =
          random_bits(seed_, purpose_, {stream_, round, changes_left ? right : left, 0})[0];
      value = changes_left ? (left ^ (bits & low_bits(left_bits_))) << right_bits_ | right
                           : left << right_bits_ | (right ^ (bits & low_bits(right_bits_)));
    }
  }
}

}  // namespace lockstep
