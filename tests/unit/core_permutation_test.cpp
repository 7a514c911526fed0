#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/permutation.hpp"

namespace lockstep {
namespace {

std::vector<Index> images(std::uint64_t seed, Purpose purpose, std::uint64_t stream, Index size) {
  const Permutation permutation(seed, purpose, stream, size);
  std::vector<Index> result(static_cast<std::size_t>(size));
  std::iota(result.begin(), result.end(), Index{0});
  std::transform(result.begin(), result.end(), result.begin(), permutation);
  return result;
}

bool is_permutation_of_all(std::vector<Index> values) {
  std::sort(values.begin(), values.end());
  for (Index i = 0; i < std::ssize(values); ++i) {
    if (values[static_cast<std::size_t>(i)] != i) return false;
  }
  return true;
}

/// Asserts that `counts` fit `categories` equally likely ones: chi-squared has mean k-1 and variance 2(k-1).
void expect_uniform(const std::map<std::vector<Index>, int>& counts, int categories, int draws) {
  const double expected = static_cast<double>(draws) / categories;
  double chi_squared = expected * static_cast<double>(categories - std::ssize(counts));
  for (const auto& [value, count] : counts) chi_squared += (count - expected) * (count - expected) / expected;
  const double degrees = categories - 1;
  EXPECT_LT(chi_squared, degrees + 6.0 * std::sqrt(2.0 * degrees));
}

TEST(Permutation, TakesEveryValueOnceForEverySize) {
  for (Index size = 1; size <= 300; ++size) {
    EXPECT_TRUE(is_permutation_of_all(images(1, Purpose::kShuffle, 0, size))) << size;
  }
  for (const Index size : {4096, 4097, 60000}) {
    EXPECT_TRUE(is_permutation_of_all(images(1, Purpose::kShuffle, 3, size))) << size;
  }
}

TEST(Permutation, StaysInRangeForHugeSizes) {
  constexpr Index kSize = (Index{1} << 40U) + 1;
  const Permutation permutation(1, Purpose::kShuffle, 0, kSize);
  for (const Index position : {Index{0}, Index{1}, kSize / 2, kSize - 1}) {
    EXPECT_GE(permutation(position), 0);
    EXPECT_LT(permutation(position), kSize);
  }
}

TEST(Permutation, IsAPureFunctionOfSeedPurposeAndStream) {
  const auto reference = images(1, Purpose::kShuffle, 0, 1000);
  EXPECT_EQ(images(1, Purpose::kShuffle, 0, 1000), reference);
  EXPECT_NE(images(2, Purpose::kShuffle, 0, 1000), reference);
  EXPECT_NE(images(1, Purpose::kSplit, 0, 1000), reference);
  EXPECT_NE(images(1, Purpose::kShuffle, 1, 1000), reference);
}

TEST(Permutation, TakesAllPermutationsOfFiveAboutEquallyOften) {
  constexpr int kDraws = 12000;
  std::map<std::vector<Index>, int> counts;
  for (std::uint64_t stream = 0; stream < kDraws; ++stream) ++counts[images(1, Purpose::kShuffle, stream, 5)];
  expect_uniform(counts, 120, kDraws);
}

TEST(Permutation, SendsNeighboursAnywhereAboutEquallyOften) {
  constexpr int kDraws = 20000;
  constexpr Index kSize = 13;
  std::map<std::vector<Index>, int> counts;
  for (std::uint64_t stream = 0; stream < kDraws; ++stream) {
    const Permutation permutation(1, Purpose::kShuffle, stream, kSize);
    ++counts[{permutation(4), permutation(5)}];
  }
  expect_uniform(counts, kSize * (kSize - 1), kDraws);
}

TEST(Permutation, RefusesPositionsOutsideItsRange) {
  const Permutation permutation(1, Purpose::kShuffle, 0, 10);
  EXPECT_THROW(permutation(-1), Error);
  EXPECT_THROW(permutation(10), Error);
  EXPECT_THROW(Permutation(1, Purpose::kShuffle, 0, 0), Error);
}

}  // namespace
}  // namespace lockstep
