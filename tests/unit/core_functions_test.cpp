#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/function_loops.hpp"
#include "flush_to_zero.hpp"
#include "function_cases.hpp"
#include "lockstep/core/functions.hpp"

namespace lockstep {
namespace {

using Limits = std::numeric_limits<double>;

using test::error_in_ulps;
using test::kFunctionCases;
using Case = test::FunctionCase;
using Loops = portable::detail::FunctionLoops;

/// Where something changes: limits of results, ends of pieces, zero, infinity.
const std::vector<double> kEdges = {0,
                                    0x1p-1074,
                                    0x1p-1022,
                                    0x1p-149,
                                    0x1p-126,
                                    0x1p-60,
                                    0x1p-53,
                                    0x1p-27,
                                    0.25,
                                    0.5,
                                    0.75,
                                    1,
                                    1.5,
                                    2,
                                    3,
                                    20,
                                    std::sqrt(0.5),
                                    0.34657359027997264,
                                    0.7517915,
                                    17.3,
                                    88.7228,
                                    87.3365,
                                    88.0297,
                                    103.97,
                                    13.0,
                                    14.2,
                                    709.782712893384,
                                    708.3964185322641,
                                    745.13,
                                    26.5432586,
                                    27.2,
                                    37.6117,
                                    37.7123,
                                    38.5,
                                    0x1p51,
                                    0x1p52,
                                    0x1p53,
                                    0x1p60,
                                    0x1p64,
                                    0x1.fffffep127,
                                    Limits::max(),
                                    Limits::infinity()};

template <typename T>
std::vector<T> arguments(int samples) {
  std::vector<T> result = {std::numeric_limits<T>::quiet_NaN()};
  for (const double edge : kEdges) {
    auto below = static_cast<T>(edge);
    T above = below;
    for (int i = 0; i < 40; ++i) {
      result.insert(result.end(), {below, -below, above, -above});
      below = std::nextafter(below, -std::numeric_limits<T>::infinity());
      above = std::nextafter(above, std::numeric_limits<T>::infinity());
    }
  }
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> sign(-1, 1);
  for (int i = 0; i < samples; ++i) {
    result.push_back(static_cast<T>(std::ldexp(sign(random), static_cast<int>(random() % 60) - 48)));
    result.push_back(static_cast<T>(sign(random) * 2.5));
    result.push_back(static_cast<T>(sign(random) * 750));
  }
  return result;
}

/// The largest error over `x`, and where it is.
template <typename T, typename Exact>
std::pair<double, T> largest_error(const Case& c, Exact (*exact)(Exact), const std::vector<T>& x,
                                   double smallest_ulp_of) {
  std::vector<T> y(x.size());
  c.function(x.data(), y.data(), std::ssize(x));
  std::pair<double, T> largest{0, 0};
  for (std::size_t i = 0; i < x.size(); ++i) {
    const T argument = std::abs(x[i]) < std::numeric_limits<T>::min() ? 0 : x[i];
    const double error = error_in_ulps(y[i], exact(argument), smallest_ulp_of);
    if (!(error <= largest.first)) largest = {error, x[i]};
  }
  return largest;
}

TEST(Functions, OfDoubleAreAsNearAsTheHeaderSays) {
  const auto x = arguments<double>(50000);
  for (const Case& c : kFunctionCases) {
    const auto [error, where] = largest_error(c, c.of_long_double, x, c.smallest_ulp_of);
    EXPECT_LE(error, c.ulps) << c.name << " at " << std::hexfloat << where;
  }
}

TEST(Functions, OfFloatAreRoundedOnce) {
  const auto x = arguments<float>(50000);
  for (const Case& c : kFunctionCases) {
    const auto [error, where] = largest_error(c, c.of_double, x, 0);
    EXPECT_LE(error, test::kUlpsOfFloat) << c.name << " at " << std::hexfloat << where;
  }
}

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

template <typename T>
void expect_same_bits(const std::vector<T>& a, const std::vector<T>& b, const std::string& where) {
  ASSERT_EQ(a.size(), b.size());
  std::size_t different = 0;
  while (different < a.size() && bits(a[different]) == bits(b[different])) ++different;
  EXPECT_EQ(different, a.size()) << where;
}

template <typename T>
void expect_arrays_as_single_values() {
  constexpr Index kMost = 40;
  const auto x = arguments<T>(20);
  for (const Case& c : kFunctionCases) {
    for (Index offset = 0; offset < 16; ++offset) {
      for (Index n = 0; n <= kMost; ++n) {
        const T* const from = x.data() + (17 * n + 41 * offset) % (std::ssize(x) - kMost);
        std::vector<T> y(16 + kMost + 1, T(7));
        std::vector<T> expected = y;
        c.function(from, y.data() + offset, n);
        for (Index i = 0; i < n; ++i) expected[static_cast<std::size_t>(offset + i)] = c.function(from[i]);
        expect_same_bits(y, expected, c.name);
        std::vector<T> in_place(from, from + n);
        c.function(in_place.data(), in_place.data(), n);
        expect_same_bits(in_place, {y.begin() + offset, y.begin() + offset + n}, c.name);
      }
    }
  }
}

TEST(Functions, OfArraysHaveTheBitsOfSingleValues) {
  expect_arrays_as_single_values<float>();
  expect_arrays_as_single_values<double>();
}

/// All results for `x` by `loops`.
template <typename T>
std::vector<T> all_results(const Loops& loops, const std::vector<T>& x) {
  std::vector<T> all;
  std::vector<T> y(x.size());
  for (const Case& c : kFunctionCases) {
    if constexpr (std::is_same_v<T, float>) {
      (loops.*c.member).in_float(x.data(), y.data(), std::ssize(x));
    } else {
      (loops.*c.member).in_double(x.data(), y.data(), std::ssize(x));
    }
    all.insert(all.end(), y.begin(), y.end());
  }
  if constexpr (std::is_same_v<T, double>) {
    for (std::size_t i = 1; i < x.size(); ++i) all.push_back(loops.pow(std::abs(x[i - 1]), x[i]));
  }
  return all;
}

/// The loops of this process's unit and of those that it could have instead.
std::vector<const Loops*> loops_of_all_units() {
  using portable::detail::function_loops;
#if defined(__x86_64__)
  std::vector<const Loops*> all = {&function_loops<VectorUnit::kGeneric>()};
  if (vector_unit() >= VectorUnit::kAvx2) all.push_back(&function_loops<VectorUnit::kAvx2>());
  if (vector_unit() >= VectorUnit::kAvx512) all.push_back(&function_loops<VectorUnit::kAvx512>());
  return all;
#elif defined(__aarch64__)
  return {&function_loops<VectorUnit::kNeon>()};
#else
  return {&function_loops<VectorUnit::kGeneric>()};
#endif
}

TEST(Functions, HaveTheSameBitsWithAllVectorUnitsOfThisProcessor) {
  const auto floats = arguments<float>(3000);
  const auto doubles = arguments<double>(3000);
  const std::vector<const Loops*> units = loops_of_all_units();
  for (const Loops* const unit : units) {
    expect_same_bits(all_results(*unit, floats), all_results(*units[0], floats), "float");
    expect_same_bits(all_results(*unit, doubles), all_results(*units[0], doubles), "double");
  }
}

TEST(Functions, HaveTheSameBitsWhereSubnormalNumbersAreFlushed) {
  const auto floats = arguments<float>(3000);
  const auto doubles = arguments<double>(3000);
  for (const Loops* const unit : loops_of_all_units()) {
    std::vector<float> of_floats;
    std::vector<double> of_doubles;
    std::thread([&] {
      test::flush_to_zero();
      of_floats = all_results(*unit, floats);
      of_doubles = all_results(*unit, doubles);
    }).join();
    expect_same_bits(of_floats, all_results(*unit, floats), "float");
    expect_same_bits(of_doubles, all_results(*unit, doubles), "double");
  }
}

// tests/golden/generate_functions.py says what its numbers mean.
TEST(Functions, HaveTheBitsOfExactResults) {
  const auto known = nlohmann::json::parse(std::ifstream(LOCKSTEP_TEST_DATA "/functions.json"));
  for (const Case& c : kFunctionCases) {
    for (const auto& [argument, in_float, in_double] :
         known.at(c.name).get<std::vector<std::array<std::string, 3>>>()) {
      const float x = std::strtof(argument.c_str(), nullptr);
      EXPECT_EQ(fmt::format("{:08x}", bits(c.function(x))), in_float) << c.name << argument;
      EXPECT_EQ(fmt::format("{:016x}", bits(c.function(double{x}))), in_double) << c.name << argument;
    }
  }
}

TEST(Functions, PowIsNearAlsoForManySmallFactors) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> part(0, 1);
  for (int i = 0; i < 100000; ++i) {
    const double base = i % 2 == 0 ? 1 - 0.02 * part(random) : std::ldexp(part(random), 10 - i % 20);
    const double exponent = std::round(i % 2 == 0 ? 1e6 * part(random) : 100 * part(random)) / (i % 3 + 1);
    const long double expected = std::pow(static_cast<long double>(base), static_cast<long double>(exponent));
    ASSERT_LE(error_in_ulps(portable::pow(base, exponent), expected, 0), 0.65)
        << std::hexfloat << base << " to the power of " << exponent;
  }
}

TEST(Functions, PowIsExactWhereTheResultIsANumber) {
  EXPECT_EQ(portable::pow(0.5, 10), 0x1p-10);
  EXPECT_EQ(portable::pow(10, 15), 1e15);
  EXPECT_EQ(portable::pow(3, 20), 3486784401.0);
  EXPECT_EQ(portable::pow(0.999, 1), 0.999);
  EXPECT_EQ(portable::pow(2.25, -0.5), 1 / 1.5);
}

TEST(Functions, PowHasTheLimitsOfTheCLibrary) {
  constexpr double kInfinity = Limits::infinity();
  for (const double base : {0.0, 0.5, 1.0, 2.0, kInfinity}) {
    for (const double exponent : {-kInfinity, -1e300, -2.0, 0.0, 2.0, 1e300, kInfinity}) {
      EXPECT_EQ(portable::pow(base, exponent), std::pow(base, exponent)) << base << ' ' << exponent;
    }
    EXPECT_TRUE(std::isnan(portable::pow(base, Limits::quiet_NaN())));
  }
  EXPECT_TRUE(std::isnan(portable::pow(-2, 2)));
  EXPECT_TRUE(std::isnan(portable::pow(Limits::quiet_NaN(), 0)));
}

}  // namespace
}  // namespace lockstep
