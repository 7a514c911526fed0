// What a sweep draws: the Sobol sequence against its definition and another implementation, and the numbers
// of a range.

#include <cmath>
#include <set>
#include <vector>

#include <boost/random/sobol.hpp>
#include <gtest/gtest.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/sweep/sampling.hpp"

namespace lockstep {
namespace {

constexpr double kWhole = 0x1p32;

TEST(Sobol, ItsFirstAxisIsTheIndexWithItsDigitsReversed) {
  // van der Corput, 1935
  const std::vector<double> expected = {0, 1.0 / 2, 1.0 / 4, 3.0 / 4, 1.0 / 8, 5.0 / 8, 3.0 / 8, 7.0 / 8};
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(sobol(i, 0) / kWhole, expected[i]) << i;
}

TEST(Sobol, HasTheTwoAxesOfJoeAndKuo) {
  // The first points of the sequence in the order of the Gray code, as S. Joe and F. Kuo's notes have them.
  const std::vector<std::pair<double, double>> expected = {{0, 0},         {0.5, 0.5},     {0.75, 0.25},
                                                           {0.25, 0.75},   {0.375, 0.375}, {0.875, 0.875},
                                                           {0.625, 0.125}, {0.125, 0.625}};
  for (std::uint32_t i = 0; i < 8; ++i) {
    const std::uint32_t gray = i ^ (i >> 1U);
    EXPECT_EQ(sobol(gray, 0) / kWhole, expected[i].first) << i;
    EXPECT_EQ(sobol(gray, 1) / kWhole, expected[i].second) << i;
  }
}

TEST(Sobol, HasTheAxesOfBoost) {
  boost::random::sobol_engine<std::uint32_t, 32> engine(kSobolAxes);
  for (std::uint32_t i = 1; i < 1000; ++i) {  // Boost leaves out the origin
    for (std::size_t axis = 0; axis < kSobolAxes; ++axis) {
      ASSERT_EQ(sobol(i ^ (i >> 1U), axis), engine()) << "point " << i << ", axis " << axis;
    }
  }
}

TEST(Draw, PutsOnePointOfEachBlockIntoEachInterval) {
  for (const std::uint64_t seed : {1, 2, 77}) {
    const Samples samples{.count = 64, .sampling = Sampling::kSobol, .seed = seed};
    for (std::size_t axis = 0; axis < kSobolAxes; ++axis) {
      for (const std::uint32_t width : {2U, 8U, 64U}) {
        for (std::uint32_t begin = 0; begin < 128; begin += width) {
          std::set<int> intervals;
          for (std::uint32_t i = begin; i < begin + width; ++i) {
            intervals.insert(static_cast<int>(draw(samples, i, axis) * width));
          }
          ASSERT_EQ(intervals.size(), width) << "axis " << axis << ", points from " << begin;
        }
      }
    }
  }
}

// The first two axes are a (0, 2)-sequence: every box of area 1/64 with sides that are powers of 2 has a
// point. The chance that 64 random points do that is below 10⁻²⁶.
TEST(Draw, PutsOnePointIntoEachBoxOfTwoAxes) {
  const Samples samples{.count = 64, .sampling = Sampling::kSobol, .seed = 5};
  for (const int columns : {1, 2, 4, 8, 16, 32, 64}) {
    std::set<std::pair<int, int>> boxes;
    for (std::uint32_t i = 0; i < 64; ++i) {
      boxes.emplace(static_cast<int>(draw(samples, i, 0) * columns),
                    static_cast<int>(draw(samples, i, 1) * (64.0 / columns)));
    }
    EXPECT_EQ(boxes.size(), 64U) << columns;
  }
}

TEST(Draw, DependsOnSeedAndSampling) {
  const Samples sobol_one{.count = 8, .sampling = Sampling::kSobol, .seed = 1};
  const Samples sobol_two{.count = 8, .sampling = Sampling::kSobol, .seed = 2};
  const Samples random{.count = 8, .sampling = Sampling::kRandom, .seed = 1};
  std::set<double> numbers;
  for (const Samples& samples : {sobol_one, sobol_two, random}) {
    for (std::uint32_t i = 0; i < 8; ++i) {
      for (const std::size_t axis : {0U, 1U}) numbers.insert(draw(samples, i, axis));
    }
  }
  EXPECT_EQ(numbers.size(), 48U);
  EXPECT_GE(*numbers.begin(), 0);
  EXPECT_LT(*numbers.rbegin(), 1);
}

TEST(Draw, RandomNumbersHaveTheMomentsOfTheUniformDistribution) {
  const Samples samples{.count = 1, .sampling = Sampling::kRandom, .seed = 3};
  constexpr int kCount = 10'000;
  double sum = 0;
  double squares = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const double x = draw(samples, i, 0) - 0.5;
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kCount, 0, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(squares / kCount, 1.0 / 12, 5 * std::sqrt(1.0 / 180 / kCount));
}

NumberRange range(const std::string& text) { return *parse_open_range("--sweep k", text); }

TEST(NumberAt, GoesThroughARangeByDistanceOrRatio) {
  EXPECT_EQ(number_at(range("0:0.5:lin"), false, 0.25), "0.125");
  EXPECT_EQ(number_at(range("-1:1:lin"), false, 0), "-1");
  EXPECT_EQ(number_at(range("1e-4:1:log"), false, 0.5), "0.01");
  EXPECT_EQ(number_at(range("1e-4:1:log"), false, 0.125), "0.000316228") << "10 to the power of -3.5";
  EXPECT_EQ(number_at(range("1.00000001:1.00000002:lin"), false, 0.5), "1.00000001") << "never outside";
}

TEST(NumberAt, GivesWholeNumbersTheSameChance) {
  std::vector<int> counts(5);
  for (int i = 0; i < 1000; ++i) {
    ++counts.at(static_cast<std::size_t>(*parse_integer(number_at(range("1:4:lin"), true, i / 1000.0))));
  }
  EXPECT_EQ(counts, (std::vector<int>{0, 250, 250, 250, 250}));
  EXPECT_EQ(number_at(range("16:512:log"), true, 0), "16");
  EXPECT_EQ(number_at(range("16:512:log"), true, 1 - 0x1p-53), "512");
  // The chance of 1 in 1:3:log is log(1.5/0.5) / log(3.5/0.5) = 0.5646.
  EXPECT_EQ(number_at(range("1:3:log"), true, 0.564), "1");
  EXPECT_EQ(number_at(range("1:3:log"), true, 0.565), "2");
}

TEST(ParseSampling, KnowsItsWords) {
  EXPECT_EQ(parse_sampling("sobol"), Sampling::kSobol);
  EXPECT_EQ(parse_sampling(to_text(Sampling::kRandom)), Sampling::kRandom);
  EXPECT_THROW(parse_sampling("halton"), Error);
}

}  // namespace
}  // namespace lockstep
