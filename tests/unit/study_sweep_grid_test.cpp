#include <cmath>
#include <map>
#include <set>

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
                    BadSweep{"k=1,1:2:lin", "expected 2 to"}, BadSweep{"k=1:2:lin2.5", "expected 2 to"},
                    BadSweep{"k=1:2:lin100001", "expected 2 to"}, BadSweep{"k=1:2:x1", "factor above 1"},
                    BadSweep{"k=1:2:x", "factor above 1"}, BadSweep{"k=1:1e9:x1.0001", "more than"},
                    BadSweep{"k=1:2:lin6000,3:4:lin6000", "more than 10000 values"},
                    BadSweep{"k=1:2:3", "expected A:B:logN"},
                    BadSweep{"k=0:1:log", "ends above 0; expected that, or A:B:lin"},
                    BadSweep{"k=2:1:lin", "empty or backwards"},
                    BadSweep{"train.seed=1:9:lin", "list them, as train.seed=1,2,3"}));

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

Samples samples_of(Index count, Sampling sampling = Sampling::kSobol) {
  return {.count = count, .sampling = sampling, .seed = 1};
}

std::set<std::string> names_of(const SweepGrid& grid) {
  std::set<std::string> names;
  for (Index point = 0; point < grid.size(); ++point) names.insert(grid.name(point));
  return names;
}

TEST(SweepGrid, DrawsSettingsAndRepeatsThemForEachSeed) {
  const Texts sweeps = {"train.seed=1,2", "optimizer.learning-rate=1e-4:1:log", "optimizer.name=sgd,adam",
                        "train.batch-size=16:19:lin", "data.seed=5,6"};
  for (const Sampling sampling : {Sampling::kSobol, Sampling::kRandom}) {
    const SweepGrid grid(sweeps, samples_of(16, sampling));
    ASSERT_EQ(grid.size(), 64);
    EXPECT_EQ(grid.settings_count(), 16);
    std::map<std::string, int> of_name;
    std::set<std::string> sizes;
    for (Index point = 0; point < 64; ++point) {
      const auto settings = grid.settings(point);
      const auto first = grid.settings(point - point % 4);
      EXPECT_EQ(settings[0].second, point % 4 < 2 ? "1" : "2");
      EXPECT_EQ(settings[4].second, point % 2 == 0 ? "5" : "6");
      for (const std::size_t drawn : {1U, 2U, 3U}) EXPECT_EQ(settings[drawn], first[drawn]);
      const double rate = parse_number(settings[1].second).value();
      EXPECT_TRUE(1e-4 <= rate && rate <= 1) << rate;
      ++of_name[settings[2].second];
      sizes.insert(settings[3].second);
      for (std::size_t axis = 0; axis < 5; ++axis) {
        EXPECT_EQ(grid.axes()[axis].values[grid.indices(point)[axis]], settings[axis].second);
      }
    }
    if (sampling == Sampling::kRandom) continue;
    EXPECT_EQ(of_name["sgd"], 32) << "of 16 points of the sequence, 8 are in each half";
    EXPECT_EQ(sizes, (std::set<std::string>{"16", "17", "18", "19"}));
  }
}

TEST(SweepGrid, MoreSamplesBeginWithTheSameOnes) {
  const Texts sweeps = {"optimizer.learning-rate=1e-4:1:log", "train.seed=1,2"};
  for (const Sampling sampling : {Sampling::kSobol, Sampling::kRandom}) {
    const SweepGrid more(sweeps, samples_of(9, sampling));
    const SweepGrid less(sweeps, samples_of(5, sampling));
    for (Index point = 0; point < less.size(); ++point) {
      EXPECT_EQ(more.name(point), less.name(point));
      EXPECT_EQ(more.first(5).name(point), less.name(point));
    }
    EXPECT_EQ(more.first(5).size(), less.size());
    EXPECT_EQ(names_of(more).size(), 18U);
  }
}

TEST(SweepGrid, DrawsNoSettingTwice) {
  const Texts sweeps = {"train.batch-size=1:4:lin", "optimizer.name=sgd,adam"};
  EXPECT_EQ(names_of(SweepGrid(sweeps, samples_of(8))).size(), 8U);
  EXPECT_THROW(SweepGrid(sweeps, samples_of(9)), Error);
}

TEST(SweepGrid, RefusesWhatItCannotDraw) {
  EXPECT_THROW(SweepGrid({"train.batch-size=16:512:log"}), Error) << "a range without samples";
  EXPECT_THROW(SweepGrid({"train.batch-size=16,32"}, samples_of(2)), Error) << "samples without a range";
  EXPECT_THROW(SweepGrid({"train.batch-size=1.5:8:log"}, samples_of(2)), Error) << "no whole number";
  EXPECT_THROW(SweepGrid({"train.batch-size=1:10000:log", "train.seed=1,2"}, samples_of(5001)), Error);
  Texts many;
  for (std::size_t i = 0; i <= kSobolAxes; ++i) many.push_back("key" + std::to_string(i) + "=0:1:lin");
  EXPECT_THROW(SweepGrid(many, samples_of(2)), Error);
  EXPECT_EQ(SweepGrid(many, samples_of(2, Sampling::kRandom)).size(), 2);
}

}  // namespace
}  // namespace lockstep
