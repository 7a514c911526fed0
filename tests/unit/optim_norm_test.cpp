#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "nn_helpers.hpp"
#include "optim/norm.hpp"

namespace lockstep {
namespace {

using test::random_values;

double exact_norm(std::span<const Real> values) {
  long double sum = 0;
  for (const Real value : values) sum += static_cast<long double>(value) * value;
  return static_cast<double>(std::sqrt(sum));
}

TEST(Norm, IsTheRootOfTheSumOfSquares) {
  EXPECT_EQ(norm({}), 0);
  EXPECT_EQ(norm(std::vector<Real>{3, 4}), 5);
  EXPECT_EQ(norm(std::vector<Real>(100, -2)), 20);
  for (const Index size : {1, 15, 16, 17, 31, 32, 33, 1000, 100003}) {
    const auto values = random_values(size, 1);
    EXPECT_NEAR(norm(values), exact_norm(values), 1e-14 * exact_norm(values)) << size;
  }
}

TEST(Norm, NeitherOverflowsNorVanishesInFloat) {
  EXPECT_NEAR(norm(std::vector<Real>(4, Real(1e30))) / 2e30, 1, 1e-6);
  EXPECT_NEAR(norm(std::vector<Real>(4, Real(1e-30))) / 2e-30, 1, 1e-6);
}

TEST(Norm, OfNotANumberIsNotFinite) {
  for (const Real bad : {std::numeric_limits<Real>::quiet_NaN(), std::numeric_limits<Real>::infinity()}) {
    for (const std::size_t position : {0U, 15U, 16U, 32U}) {
      std::vector<Real> values(33, 1);
      values[position] = bad;
      EXPECT_FALSE(std::isfinite(norm(values))) << position;
    }
  }
}

TEST(Norm, DoesNotDependOnAlignment) {
  const auto values = random_values(1003, 1);
  std::vector<Real> storage(values.size() + 32);
  for (std::size_t shift = 0; shift < 32; ++shift) {
    std::copy(values.begin(), values.end(), storage.begin() + shift);
    EXPECT_EQ(norm(std::span(storage).subspan(shift, values.size())), norm(values)) << shift;
  }
}

TEST(ClipFactor, ScalesToTheLargestNorm) {
  for (const double norm : {3.5, 10.0, 1e6}) {
    for (const double largest : {0.001, 0.5, 3.0}) {
      // largest / (norm + 1e-6), as PyTorch has it.
      EXPECT_NEAR(clip_factor(norm, largest) * norm, largest, 1e-6 * largest);
      EXPECT_LT(clip_factor(norm, largest) * norm, largest);
    }
  }
}

TEST(ClipFactor, LeavesSmallerGradientsAsTheyAre) {
  for (const double norm : {0.0, 1e-30, 2.0}) {
    for (const double largest : {norm + 2e-6, 2 * norm + 1, 1e30}) EXPECT_EQ(clip_factor(norm, largest), 1);
  }
}

}  // namespace
}  // namespace lockstep
