#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/optim/weight_average.hpp"
#include "nn_helpers.hpp"

namespace lockstep {
namespace {

// e(t) = d^(t-1) x(1) + (1-d) Σ d^(t-i) x(i), i = 2 … t.
TEST(WeightAverage, IsTheGeometricSum) {
  constexpr int kSteps = 30;
  constexpr double kDecay = 0.9;
  WeightAverage average(kDecay, {{1, 2}, {4, 3}});  // of seven
  constexpr std::array kOwned = {1, 2, 4, 5, 6};
  std::vector<double> expected(5);
  for (int t = 1; t <= kSteps; ++t) {
    const std::vector<Real> x = test::random_values(7, static_cast<std::uint64_t>(t));
    average.add(x);
    for (std::size_t i = 0; i < kOwned.size(); ++i) {
      expected[i] += std::pow(kDecay, kSteps - t) * (t == 1 ? 1 : 1 - kDecay) * x[kOwned[i]];
    }
    if (t == 1) {
      EXPECT_EQ(average.values()[0], x[1]);
    }
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(average.values()[i], expected[i], test::kIsDouble ? 1e-14 : 1e-6);
  }
}

TEST(WeightAverage, ChangesPlacesWithItsPartsOfTheWeights) {
  WeightAverage average(0.5, {{0, 1}, {2, 2}});
  average.add(std::vector<Real>{1, 2, 3, 4});
  std::vector<Real> x = {5, 6, 7, 8};
  average.swap(x);
  EXPECT_EQ(x, (std::vector<Real>{1, 6, 3, 4}));
  average.swap(x);
  EXPECT_EQ(x, (std::vector<Real>{5, 6, 7, 8}));
}

}  // namespace
}  // namespace lockstep
