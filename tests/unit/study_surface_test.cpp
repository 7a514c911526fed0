#include <cmath>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "core/named.hpp"
#include "study/lecture/surface.hpp"

namespace lockstep {
namespace {

constexpr double kStep = 1e-5;

Point moved(Point p, std::size_t axis, double by) {
  p[axis] += by;
  return p;
}

/// Points inside the picture, away from its symmetries.
std::vector<Point> points_of(const Surface& surface) {
  std::vector<Point> points = {surface.start};
  for (const auto& [u, v] : {std::pair(0.07, 0.91), {0.33, 0.41}, {0.52, 0.13}, {0.77, 0.68}, {0.98, 0.29}}) {
    points.push_back({surface.lowest[0] + u * (surface.highest[0] - surface.lowest[0]),
                      surface.lowest[1] + v * (surface.highest[1] - surface.lowest[1])});
  }
  return points;
}

class SurfaceTest : public testing::TestWithParam<Surface> {};

TEST_P(SurfaceTest, GradientIsThatOfCentralDifferences) {
  const Surface& surface = GetParam();
  for (const Point& p : points_of(surface)) {
    const Point gradient = surface.gradient(p);
    for (std::size_t i = 0; i < 2; ++i) {
      const double expected =
          (surface.value(moved(p, i, kStep)) - surface.value(moved(p, i, -kStep))) / (2 * kStep);
      EXPECT_NEAR(gradient[i], expected, 1e-6 * (1 + std::abs(expected))) << p[0] << ", " << p[1];
    }
  }
}

TEST_P(SurfaceTest, HessianIsThatOfCentralDifferences) {
  const Surface& surface = GetParam();
  for (const Point& p : points_of(surface)) {
    const Hessian2 hessian = surface.hessian(p);
    for (std::size_t column = 0; column < 2; ++column) {
      const Point above = surface.gradient(moved(p, column, kStep));
      const Point below = surface.gradient(moved(p, column, -kStep));
      for (std::size_t row = 0; row < 2; ++row) {
        const double expected = (above[row] - below[row]) / (2 * kStep);
        EXPECT_NEAR(hessian[2 * row + column], expected, 1e-6 * (1 + std::abs(expected)))
            << p[0] << ", " << p[1];
      }
    }
  }
}

TEST_P(SurfaceTest, HasNothingBelowItsMinimum) {
  const Surface& surface = GetParam();
  constexpr int kCells = 200;
  for (int i = 0; i <= kCells; ++i) {
    for (int j = 0; j <= kCells; ++j) {
      const Point p = {surface.lowest[0] + (surface.highest[0] - surface.lowest[0]) * i / kCells,
                       surface.lowest[1] + (surface.highest[1] - surface.lowest[1]) * j / kCells};
      ASSERT_GE(surface.value(p), surface.minimum) << p[0] << ", " << p[1];
    }
  }
}

TEST_P(SurfaceTest, StartsInsideThePicture) {
  const Surface& surface = GetParam();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_LT(surface.lowest[i], surface.start[i]);
    EXPECT_LT(surface.start[i], surface.highest[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SurfaceTest, testing::ValuesIn(surfaces()),
                         [](const auto& test) { return test.param.name; });

/// A point that its source, or a line of algebra, knows.
struct KnownValue {
  std::string surface;
  Point point;
  double value = 0;
  bool is_minimum = false;
};

TEST(Surfaces, HaveTheirKnownValues) {
  const std::vector<KnownValue> known = {
      {"quadratic", {0, 0}, 0, true},  {"quadratic", {-4, 1}, 20.5},
      {"rosenbrock", {1, 1}, 0, true}, {"rosenbrock", {-1.2, 1}, 24.2},  // Rosenbrock's start
      {"beale", {3, 0.5}, 0, true},    {"beale", {1, 1}, 14.203125},     // 1.5² + 2.25² + 2.625²
      {"saddle", {0, 1}, -0.25, true}, {"saddle", {0, -1}, -0.25, true},
      {"saddle", {0, 0}, 0},           {"saddle", {2, 2}, 4},
  };
  for (const KnownValue& expected : known) {
    SCOPED_TRACE(expected.surface);
    const Surface* const surface = find_named(surfaces(), expected.surface);
    ASSERT_NE(surface, nullptr);
    EXPECT_NEAR(surface->value(expected.point), expected.value, 1e-12);
    if (!expected.is_minimum) continue;
    EXPECT_EQ(surface->minimum, expected.value);
    const Point gradient = surface->gradient(expected.point);
    EXPECT_NEAR(gradient[0], 0, 1e-12);
    EXPECT_NEAR(gradient[1], 0, 1e-12);
    const Hessian2 h = surface->hessian(expected.point);
    EXPECT_GT(h[0], 0);
    EXPECT_GT(h[0] * h[3] - h[1] * h[2], 0);
  }
}

TEST(Surfaces, TheSaddleIsOne) {
  const Surface* const saddle = find_named(surfaces(), "saddle");
  ASSERT_NE(saddle, nullptr);
  EXPECT_EQ(saddle->gradient({0, 0}), (Point{0, 0}));
  EXPECT_EQ(saddle->hessian({0, 0}), (Hessian2{1, 0, 0, -1}));
}

}  // namespace
}  // namespace lockstep
