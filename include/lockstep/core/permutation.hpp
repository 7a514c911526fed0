#pragma once

#include <cstdint>
#include <span>

#include "lockstep/core/index.hpp"
#include "lockstep/core/random.hpp"

namespace lockstep {

/// A pseudo-random permutation of 0 … size-1 as a pure function of (seed, purpose, stream, position): no
/// array, the same on every rank. A Feistel network over the smallest power of two that holds `size`, with
/// Philox as its round function; values outside the range walk on until they fall inside. Source: Black,
/// Rogaway: Ciphers with arbitrary finite domains. CT-RSA 2002.
class Permutation {
 public:
  /// `stream` tells permutations of one purpose apart, for example the epoch.
  Permutation(std::uint64_t seed, Purpose purpose, std::uint64_t stream, Index size);

  /// The image of `position`, 0 <= position < size.
  Index operator()(Index position) const;
  /// images[i] = the image of first + i. Several times as fast as one after another.
  void map(Index first, std::span<Index> images) const;

  Index size() const { return size_; }

 private:
  void encrypt(std::span<std::uint64_t> values) const;

  std::uint64_t seed_;
  Purpose purpose_;
  std::uint64_t stream_;
  Index size_;
  unsigned left_bits_;
  unsigned right_bits_;
};

}  // namespace lockstep
