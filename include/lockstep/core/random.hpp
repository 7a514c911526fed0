#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace lockstep {

/// What random numbers are drawn for. Streams of different purposes are independent.
/// The values are part of the promise: changing one changes the bits of every run.
enum class Purpose : std::uint64_t {
  kInitialization = 1,
  kShuffle = 2,
  kSplit = 3,
  kDropout = 4,
  kSynthetic = 5,
  kGradientCheck = 6,
  kAugmentation = 7,
  kPermutedColumn = 8,
  kSampling = 9,
};

/// Where in a stream a number stands, for example (step, sample, layer, unit).
using RandomCounter = std::array<std::uint64_t, 4>;
using RandomBits = std::array<std::uint64_t, 4>;

/// 256 random bits: Philox4x64-10 with key (seed, purpose) at `counter`. A pure function, so that any rank
/// can draw any number without drawing those before it. Source: Salmon, Moraes, Dror, Shaw: Parallel random
/// numbers: as easy as 1, 2, 3. SC 2011.
RandomBits random_bits(std::uint64_t seed, Purpose purpose, const RandomCounter& counter);

/// The upper 53 of 64 random bits as a number in [0, 1).
double uniform(std::uint64_t bits);

/// Four independent standard normal numbers from 256 random bits.
/// Source: Box, Muller: A note on the generation of random normal deviates. 1958.
std::array<double, 4> normal(const RandomBits& bits);

/// The same for each of `bits`, four times as many `numbers`, which is several times faster than one by one.
void normal(std::span<const RandomBits> bits, std::span<double> numbers);

}  // namespace lockstep
