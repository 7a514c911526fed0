#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/random.hpp"

namespace lockstep {
namespace {

constexpr std::uint64_t kOnes = std::numeric_limits<std::uint64_t>::max();

struct KnownAnswer {
  RandomCounter counter;
  std::array<std::uint64_t, 2> key;
  RandomBits bits;
};

// Random123, tests/kat_vectors, the lines "philox4x64 10".
const std::vector<KnownAnswer> kKnownAnswers = {
    {{0, 0, 0, 0}, {0, 0}, {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
    {{kOnes, kOnes, kOnes, kOnes},
     {kOnes, kOnes},
     {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
    {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
     {0x452821e638d01377, 0xbe5466cf34e90c6c},
     {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
};

TEST(Random, IsPhiloxKeyedBySeedAndPurpose) {
  for (const KnownAnswer& known : kKnownAnswers) {
    EXPECT_EQ(random_bits(known.key[0], static_cast<Purpose>(known.key[1]), known.counter), known.bits);
  }
}

TEST(Random, PurposesAreNumberedForEver) {
  EXPECT_EQ(static_cast<int>(Purpose::kInitialization), 1);
  EXPECT_EQ(static_cast<int>(Purpose::kShuffle), 2);
  EXPECT_EQ(static_cast<int>(Purpose::kSplit), 3);
  EXPECT_EQ(static_cast<int>(Purpose::kDropout), 4);
  EXPECT_EQ(static_cast<int>(Purpose::kSynthetic), 5);
  EXPECT_EQ(static_cast<int>(Purpose::kGradientCheck), 6);
  EXPECT_EQ(static_cast<int>(Purpose::kAugmentation), 7);
  EXPECT_EQ(static_cast<int>(Purpose::kPermutedColumn), 8);
  EXPECT_EQ(static_cast<int>(Purpose::kSampling), 9);
}

TEST(Random, UniformTakesTheUpper53Bits) {
  EXPECT_EQ(uniform(0), 0.0);
  EXPECT_EQ(uniform((std::uint64_t{1} << 11U) - 1), 0.0);
  EXPECT_EQ(uniform(std::uint64_t{1} << 11U), 0x1p-53);
  EXPECT_EQ(uniform(std::uint64_t{1} << 63U), 0.5);
  EXPECT_EQ(uniform(kOnes), 1.0 - 0x1p-53);
}

TEST(Random, NormalIsBoxMuller) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63U;
  constexpr std::uint64_t kQuarter = std::uint64_t{1} << 62U;
  const double radius = std::sqrt(2.0 * std::log(2.0));
  const auto numbers = normal({kHalf, kQuarter, kHalf, kHalf});
  EXPECT_NEAR(numbers[0], 0.0, 1e-15);
  EXPECT_NEAR(numbers[1], radius, 1e-15);
  EXPECT_NEAR(numbers[2], -radius, 1e-15);
  EXPECT_NEAR(numbers[3], 0.0, 1e-15);
}

TEST(Random, NormalsOfManyAreThoseOfEach) {
  std::vector<RandomBits> bits;
  for (std::uint64_t block = 0; block < 75; ++block) {  // more than are computed at a time, and no multiple
    bits.push_back(random_bits(3, Purpose::kInitialization, {block, 0, 0, 0}));
  }
  std::vector<double> numbers(4 * bits.size());
  normal(bits, numbers);
  for (std::size_t block = 0; block < bits.size(); ++block) {
    const std::array<double, 4> alone = normal(bits[block]);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(numbers[4 * block + i], alone[i]) << block << ", " << i;
  }
}

TEST(Random, NormalIsFiniteAtTheEndsOfTheRange) {
  for (const std::uint64_t bits : {std::uint64_t{0}, kOnes}) {
    for (const double number : normal({bits, bits, bits, bits})) EXPECT_TRUE(std::isfinite(number));
  }
}

TEST(Random, NormalHasTheMomentsOfTheStandardNormalDistribution) {
  constexpr int kBlocks = 50000;
  constexpr double kCount = 4.0 * kBlocks;
  std::array<double, 4> moments{};
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    for (const double x : normal(random_bits(7, Purpose::kSynthetic, {block, 0, 0, 0}))) {
      moments[0] += x / kCount;
      moments[1] += x * x / kCount;
      moments[2] += x * x * x / kCount;
      moments[3] += x * x * x * x / kCount;
    }
  }
  // Five standard errors: the variances of x, x², x³, x⁴ are 1, 2, 15, 96.
  EXPECT_NEAR(moments[0], 0.0, 5.0 * std::sqrt(1.0 / kCount));
  EXPECT_NEAR(moments[1], 1.0, 5.0 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(moments[2], 0.0, 5.0 * std::sqrt(15.0 / kCount));
  EXPECT_NEAR(moments[3], 3.0, 5.0 * std::sqrt(96.0 / kCount));
}

}  // namespace
}  // namespace lockstep
