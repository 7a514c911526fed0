#include <cmath>

#include <gtest/gtest.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/sweep/sweep_grid.hpp"

namespace lockstep {
namespace {

using Texts = std::vector<std::string>;

TEST(ParseSweep, TakesListsOfCommasOrBars) {
  const SweepAxis axis = parse_sweep("optimizer.name= sgd, adam ,lamb");
  EXPECT_EQ(axis.key, "optimizer.name");
  EXPECT_EQ(axis.values, (Texts{"sgd", "adam", "lamb"}));
  EXPECT_EQ(parse_sweep("model.layers=linear 8, relu, linear 2 | linear 2").values,
            (Texts{"linear 8, relu, linear 2", "linear 2"}));
  EXPECT_EQ(parse_sweep("train.seed=7").values, Texts{"7"});
  EXPECT_EQ(parse_sweep("data.source=C:a=b:c").values, Texts{"C:a=b:c"})
      << "colons and '=' are part of a value";
}

TEST(ParseSweep, SpacesGeometricRangesByRatio) {
  EXPECT_EQ(parse_sweep("k=1:10000:log5").values, (Texts{"1", "10", "100", "1000", "10000"}));
  EXPECT_EQ(parse_sweep("k=16:1024:log4").values, (Texts{"16", "64", "256", "1024"}));
  EXPECT_EQ(parse_sweep("k=1e-4:1e-1:log2").values, (Texts{"1e-4", "1e-1"})) << "the ends keep their text";
  const Texts values = parse_sweep("optimizer.learning-rate=1e-4:1e-1:log7").values;
  ASSERT_EQ(values.size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    const double expected = std::pow(10, -4 + 0.5 * static_cast<double>(i));
    EXPECT_NEAR(parse_number(values[i]).value(), expected, 1e-11 * expected) << i;
  }
}

TEST(ParseSweep, SpacesLinearRangesByDistance) {
  EXPECT_EQ(parse_sweep("k=0:0.5:lin6").values, (Texts{"0", "0.1", "0.2", "0.3", "0.4", "0.5"}));
  EXPECT_EQ(parse_sweep("k=-1:1:lin3").values, (Texts{"-1", "0", "1"}));
}

TEST(ParseSweep, MultipliesUpToTheEnd) {
  EXPECT_EQ(parse_sweep("k=16:16384:x4").values, (Texts{"16", "64", "256", "1024", "4096", "16384"}));
  EXPECT_EQ(parse_sweep("k=16:16383:x4").values, (Texts{"16", "64", "256", "1024", "4096"}));
  EXPECT_EQ(parse_sweep("k=1:2:x10").values, Texts{"1"});
  EXPECT_EQ(parse_sweep("k=0.001:1:x10").values, (Texts{"0.001", "0.01", "0.1", "1"}));
}

TEST(ParseSweep, MixesValuesAndRanges) {
  EXPECT_EQ(parse_sweep("optimizer.weight-decay=0,0.01:1:x10").values, (Texts{"0", "0.01", "0.1", "1"}));
}

struct BadSweep {
  std::string text, fragment;
};

class BadSweepTest : public testing::TestWithParam<BadSweep> {};

TEST_P(BadSweepTest, IsRefusedWithTheReason) {
  try {
    parse_sweep(GetParam().text);
    FAIL() << GetParam().text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_NE(std::string(error.what()).find(GetParam().fragment), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sweeps, BadSweepTest,
    testing::Values(BadSweep{"train.seed", "expected KEY=VALUES"}, BadSweep{"=1,2", "expected KEY=VALUES"},
                    BadSweep{"k=", "empty value"}, BadSweep{"k=1,,2", "empty value"},
                    BadSweep{"k=1|2|", "empty value"}, BadSweep{"k=3,1,3", "has 3 twice"},
                    BadSweep{"k=1:0.1:log3", "empty or backwards"},
                    BadSweep{"k=1:1:lin3", "empty or backwards"},
                    BadSweep{"k=0:nan:lin3", "empty or backwards"},
                    BadSweep{"k=0:inf:lin3", "empty or backwards"}, BadSweep{"k=0:1:log3", "ends above 0"},
                    BadSweep{"k=-1:1:x2", "ends above 0"}, BadSweep{"k=1:2:log1", "expected 2 to"},
                    BadSweep{"k=1:2:lin", "expected 2 to"}, BadSweep{"k=1:2:lin2.5", "expected 2 to"},
                    BadSweep{"k=1:2:lin100001", "expected 2 to"}, BadSweep{"k=1:2:x1", "factor above 1"},
                    BadSweep{"k=1:2:x", "factor above 1"}, BadSweep{"k=1:1e9:x1.0001", "more than"},
                    BadSweep{"k=1:2:lin6000,3:4:lin6000", "more than 10000 values"},
                    BadSweep{"k=1:2:3", "expected A:B:logN"}));

TEST(SweepGrid, HasEveryCombinationTheLastKeyFastest) {
  const SweepGrid grid({"a=1,2", "b=x|y|z", "c=7"});
  ASSERT_EQ(grid.size(), 6);
  const Texts expected = {"a = 1, b = x, c = 7", "a = 1, b = y, c = 7", "a = 1, b = z, c = 7",
                          "a = 2, b = x, c = 7", "a = 2, b = y, c = 7", "a = 2, b = z, c = 7"};
  for (Index point = 0; point < 6; ++point) {
    EXPECT_EQ(grid.name(point), expected[static_cast<std::size_t>(point)]);
  }
  EXPECT_EQ(grid.indices(4), (std::vector<std::size_t>{1, 1, 0}));
  EXPECT_EQ(grid.settings(2),
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "z"}, {"c", "7"}}));
}

TEST(SweepGrid, RefusesNoneOneKeyTwiceAndTooMany) {
  EXPECT_THROW(SweepGrid({}), Error);
  EXPECT_THROW(SweepGrid({"a=1", "b=1", "a=2"}), Error);
  EXPECT_THROW(SweepGrid({"a=1:2:lin101", "b=1:2:lin100"}), Error);
  EXPECT_EQ(SweepGrid({"a=1:2:lin100", "b=1:2:lin100"}).size(), 10'000);
}

}  // namespace
}  // namespace lockstep
