// Digits of tables that float alone would lose.

#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/column_units.hpp"
#include "data_helpers.hpp"
#include "flush_to_zero.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/data/csv.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

ColumnUnit unit_of(const std::vector<double>& column) {
  ColumnRange range;
  range.add(column);
  return range.unit();
}

using test::is_bad_input;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;

Dataset table(const std::vector<std::string>& numbers) {
  std::string text = "x,y\n";
  for (const std::string& number : numbers) text += number + ",1\n";
  const TemporaryFolder folder;
  CsvOptions options;
  options.task = Task::kRegression;
  return make_dataset(read_csv(folder.write("a.csv", text), options));
}

std::vector<Real> normalised(const Dataset& data, NormalizationKind kind) {
  Batch batch;
  batch.samples.resize(static_cast<std::size_t>(data.size()));
  std::iota(batch.samples.begin(), batch.samples.end(), Index{0});
  // As weights files keep it, and back.
  const std::vector<ColumnUnit>& units = data.description().units;
  const Normalization stored = compute_normalization(kind, data, data.size(), [](Index i) { return i; });
  gather(data, {of_stored_values(of_file_values(stored, units), units)}, batch);
  return batch.features;
}

TEST(ColumnUnits, AreNotNeededWhereFloatsAreExact) {
  constexpr double kGap = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(unit_of({16777216, 16777214, 16777212}), ColumnUnit());
  EXPECT_EQ(unit_of({0.1, 0.2, 0.3}), ColumnUnit());
  EXPECT_EQ(unit_of({1e38, -1e38, 0}), ColumnUnit());
  EXPECT_EQ(unit_of({0.1, 0.1}), ColumnUnit());
  EXPECT_EQ(unit_of({0, 0}), ColumnUnit());
  EXPECT_EQ(unit_of({kGap, 0.1, kGap}), ColumnUnit());
  EXPECT_EQ(unit_of({kGap, kGap}), ColumnUnit());
}

TEST(ColumnUnits, StandAmidNumbersThatLieCloseTogether) {
  const ColumnUnit unit = unit_of({1699999951, 1699999953});
  EXPECT_EQ(unit, (ColumnUnit{1699999952, 1}));
  EXPECT_EQ(in_unit(1699999951, unit), -1);
  EXPECT_EQ(in_unit(1699999953, unit), 1);
}

TEST(ColumnUnits, KeepDigitsOfLargeNumbers) {
  // Mean 1699999952, deviation sqrt(2).
  const Dataset data = table({"1699999950", "1699999951", "1699999952", "1699999953", "1699999954"});
  const auto root = static_cast<Real>(1 / std::sqrt(2.0));
  const std::vector<Real> standard = normalised(data, NormalizationKind::kStandard);
  for (int i = 0; i < 5; ++i)
    EXPECT_FLOAT_EQ(standard[static_cast<std::size_t>(i)], static_cast<Real>(i - 2) * root);
  EXPECT_THAT(normalised(data, NormalizationKind::kUnit), ElementsAre(0, 0.25, 0.5, 0.75, 1));
  if (sizeof(Real) == sizeof(float)) {
    EXPECT_THAT(normalised(data, NormalizationKind::kNone), testing::Each(static_cast<Real>(1.7e9F)));
  }
  const std::vector<Distinct> distinct = distinct_values(data);
  EXPECT_EQ(distinct.at(0).numbers, 5);
  EXPECT_EQ(distinct.at(0).floats, 1);
}

TEST(ColumnUnits, KeepNumbersBelowFloatsSmallest) {
  test::flush_to_zero();
  const Dataset data = table({"1e-41", "2e-41", "3e-41", "0", "4e-41"});
  const std::vector<Real> unit = normalised(data, NormalizationKind::kUnit);
  const std::vector<Real> expected = {0.25F, 0.5F, 0.75F, 0, 1};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(unit[i], expected[i], 1e-6);
  EXPECT_EQ(distinct_values(data).at(0).floats, 1);
}

TEST(ColumnUnits, DoNotMakeRoundingAFeature) {
  // What 0.1 + 0.2 and 0.3 are in double, and ten times 0.1 and 1.
  for (const std::vector<std::string>& numbers :
       {std::vector<std::string>{"0.3", "0.30000000000000004", "0.3"},
        {"1", "0.9999999999999999"},
        {"1700000000.1", "1700000000.1000001"}}) {
    const Dataset data = table(numbers);
    for (const NormalizationKind kind : {NormalizationKind::kStandard, NormalizationKind::kUnit}) {
      EXPECT_THAT(normalised(data, kind), testing::Each(Real{0})) << numbers[0];
    }
  }
}

TEST(ColumnUnits, OfTheTrainingFileHoldForOthers) {
  const TemporaryFolder folder;
  CsvOptions options;
  options.task = Task::kRegression;
  options.training = read_csv(folder.write("a.csv", "1699999951,1\n1699999953,1\n"), options).description;
  EXPECT_THAT(read_csv(folder.write("b.csv", "1699999955,1\n"), options).values, ElementsAre(3));
  options.training.reset();
  options.training = read_csv(folder.write("a.csv", "1e-41,1\n2e-41,1\n"), options).description;
  EXPECT_TRUE(
      is_bad_input([&] { read_csv(folder.write("b.csv", "1e10,1\n"), options); }, {"b.csv", "beyond"}));
}

TEST(ColumnUnits, TextFormKeepsEveryBit) {
  const std::vector<ColumnUnit> units = {{0.1, 0x1p-130}, {-1e300, 1}};
  EXPECT_EQ(units_from_text(units_to_text(units)), units);
  for (const std::string text :
       {"", "{", "7", "[1]", "[[1]]", R"([["a", 1]])", "[[1, 0]]", "[[1, -1]]", "[[1e999, 1]]"}) {
    EXPECT_TRUE(is_bad_input([&] { units_from_text(text); }, {"units", "damaged"})) << text;
  }
}

}  // namespace
}  // namespace lockstep
