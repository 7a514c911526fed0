// Groups of rows that stay together: how tables say them, and how they are held out.

#include <algorithm>
#include <cstdlib>
#include <gmock/gmock.h>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/csv.hpp"
#include "lockstep/data/sampler.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;

/// So many samples of each group, 0, 1, …, in turn as long as there are any.
std::vector<std::int32_t> groups_of(std::vector<Index> sizes) {
  std::vector<std::int32_t> groups;
  while (std::ranges::any_of(sizes, [](Index size) { return size > 0; })) {
    for (std::size_t group = 0; group < sizes.size(); ++group) {
      if (sizes[group]-- > 0) groups.push_back(static_cast<std::int32_t>(group));
    }
  }
  return groups;
}

/// The groups that are held out. Expects that they are so as a whole, and that all samples are on one side.
std::set<std::int32_t> held_out(const Split& split, const std::vector<std::int32_t>& groups) {
  std::set<Index> samples;
  std::set<std::int32_t> out;
  std::set<std::int32_t> in;
  for (Index i = 0; i < split.validation_size(); ++i) {
    samples.insert(split.validation(i));
    out.insert(groups[static_cast<std::size_t>(split.validation(i))]);
  }
  for (Index i = 0; i < split.training_size(); ++i) {
    samples.insert(split.training(i));
    in.insert(groups[static_cast<std::size_t>(split.training(i))]);
  }
  EXPECT_EQ(samples.size(), groups.size());
  for (const std::int32_t group : out) EXPECT_FALSE(in.contains(group)) << group;
  return out;
}

TEST(GroupedSplit, HoldsOutWholeGroupsNearToThePart) {
  const std::vector<Index> sizes = {7, 1, 4, 12, 3, 3, 9, 2, 5, 4};
  const std::vector<std::int32_t> groups = groups_of(sizes);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const Index wanted : {1, 5, 10, 25, 49}) {
      const Split split = Split::grouped(seed, groups, wanted);
      const std::set<std::int32_t> out = held_out(split, groups);
      EXPECT_FALSE(out.empty());
      EXPECT_LT(out.size(), sizes.size());
      // No more than half of the group that is one too many or one too few, unless it is the only one of a
      // side.
      if (out.size() > 1 && out.size() + 1 < sizes.size()) {
        EXPECT_LE(std::abs(split.validation_size() - wanted), 6);
      }
    }
  }
}

TEST(GroupedSplit, OfEqualGroupsHoldsOutTheRoundedNumber) {
  const std::vector<std::int32_t> groups = groups_of({4, 4, 4, 4, 4});
  // 1/4 of a group, though nearer to none; 5/4; 6/4, of which both are as near; 7/4; all but 1/4.
  const std::vector<std::pair<Index, Index>> cases = {{1, 4}, {5, 4}, {6, 4}, {7, 8}, {19, 16}};
  for (const auto& [wanted, expected] : cases) {
    EXPECT_EQ(Split::grouped(3, groups, wanted).validation_size(), expected) << wanted;
  }
}

TEST(GroupedSplit, IsAPureFunctionOfTheSeed) {
  const std::vector<std::int32_t> groups = groups_of(std::vector<Index>(60, 3));
  const auto of_seed = [&](std::uint64_t seed) { return held_out(Split::grouped(seed, groups, 60), groups); };
  EXPECT_EQ(of_seed(1), of_seed(1));
  EXPECT_NE(of_seed(1), of_seed(2));
  const auto of_fold = [&](std::uint64_t seed) {
    return held_out(Split::grouped(seed, groups, Fold{0, 4}), groups);
  };
  EXPECT_EQ(of_fold(1), of_fold(1));
  EXPECT_NE(of_fold(1), of_fold(2));
}

// The sizes are those of sklearn.model_selection.GroupKFold 1.2, whatever the seed.
TEST(GroupedSplit, FoldsHaveTheSizesOfScikitLearn) {
  struct Case {
    std::vector<Index> groups;
    std::vector<Index> folds;
  };
  for (const auto& [sizes, expected] : {Case{{7, 5, 4, 3, 3, 2}, {9, 8, 7}},
                                        {{1, 1, 10, 1}, {10, 3}},
                                        {{4, 4, 4, 4, 4}, {8, 8, 4}},
                                        {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {12, 11, 11, 11}}}) {
    const std::vector<std::int32_t> groups = groups_of(sizes);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      std::multiset<std::int32_t> all;
      std::vector<Index> folds;
      for (Index number = 0; number < std::ssize(expected); ++number) {
        const Split split = Split::grouped(seed, groups, Fold{number, std::ssize(expected)});
        folds.push_back(split.validation_size());
        for (const std::int32_t group : held_out(split, groups)) all.insert(group);
      }
      EXPECT_EQ(folds, expected);
      EXPECT_EQ(all.size(), sizes.size()) << "each group in one fold";
    }
  }
}

TEST(GroupedSplit, NeedsAGroupForEachSide) {
  EXPECT_THROW(Split::grouped(1, groups_of({5}), 2), Error);
  EXPECT_THROW(Split::grouped(1, groups_of({5, 5}), 0), Error);
  EXPECT_THROW(Split::grouped(1, groups_of({5, 5}), Fold{0, 3}), Error);
}

constexpr const char* kPatients = "x,who,z,y\n1,anna,5,a\n2,ben,6,b\n3,anna,7,a\n4,7,8,b\n5,7.0,9,a\n";

CsvOptions grouped_by(const std::string& group) {
  CsvOptions options;
  options.group = group;
  return options;
}

DatasetContent read(std::string_view text, const CsvOptions& options) {
  const TemporaryFolder folder;
  return read_csv(folder.write("visits.csv", text), options);
}

TEST(CsvGroups, AreTextsAndNoFeature) {
  for (const std::string column : {"who", " who ", "1", "-3"}) {
    const DatasetContent content = read(kPatients, grouped_by(column));
    EXPECT_THAT(content.groups, ElementsAre(0, 1, 0, 2, 3)) << column;
    EXPECT_EQ(content.description.groups, 4);
    EXPECT_EQ(content.description.group_name, "who");
    EXPECT_THAT(content.values, ElementsAre(1, 5, 2, 6, 3, 7, 4, 8, 5, 9));
    EXPECT_THAT(content.description.feature_names, ElementsAre("x", "z"));
  }
  const DatasetContent without_names = read("p,1,a\nq,2,b\np,3,a\n", grouped_by("0"));
  EXPECT_THAT(without_names.groups, ElementsAre(0, 1, 0));
  EXPECT_EQ(without_names.description.group_name, "");
  EXPECT_THAT(without_names.values, ElementsAre(1, 2, 3));
  EXPECT_EQ(read(kPatients, {}).description.groups, 0);
}

TEST(CsvGroups, AskedForByNameTellThatTheFirstLineNamesColumns) {
  EXPECT_THAT(read("3,who,y\n1,p,0\n2,q,1\n", grouped_by("who")).groups, ElementsAre(0, 1));
}

TEST(CsvGroups, LaterFilesNeedThemNot) {
  const DatasetDescription training = read(kPatients, grouped_by("who")).description;
  for (const std::string group : {"", "who", "1"}) {
    CsvOptions options = grouped_by(group);
    options.training = training;
    for (const char* const text : {"x,who,z,y\n1,,5,a\n", "x,z,y\n1,5,a\n", "y,z,x\na,5,1\n"}) {
      options.wanted = Columns::kAll;
      const DatasetContent content = read(text, options);
      EXPECT_THAT(content.values, ElementsAre(1, 5)) << text;
      EXPECT_THAT(content.labels, ElementsAre(0)) << text;
      EXPECT_THAT(content.groups, IsEmpty());
      options.wanted = Columns::kFeatures;
      EXPECT_THAT(read(text, options).values, ElementsAre(1, 5)) << text;
    }
  }
  CsvOptions options = grouped_by("0");
  options.training = read("p,1,a\nq,2,b\np,3,a\n", options).description;
  for (const char* const text : {"r,4,b\n", "4,b\n"}) {
    EXPECT_THAT(read(text, options).values, ElementsAre(4)) << text;
  }
  options.wanted = Columns::kFeatures;
  for (const char* const text : {"r,4,b\n", "4\n"}) EXPECT_THAT(read(text, options).values, ElementsAre(4));
}

TEST(CsvGroups, ThatCannotBeFoundAreRefused) {
  const auto fails = [](std::string_view text, const CsvOptions& options,
                        const std::vector<std::string>& fragments) {
    return is_bad_input([&] { read(text, options); }, fragments);
  };
  EXPECT_TRUE(fails(kPatients, grouped_by("whom"), {"`group` = whom", "no column 'whom'", "'who'"}));
  EXPECT_TRUE(fails(kPatients, grouped_by("4"), {"`group` = 4", "no column '4'"}));
  EXPECT_TRUE(fails(kPatients, grouped_by("y"), {"`group` = y", "the label"}));
  EXPECT_TRUE(fails("p,a\nq,b\n", grouped_by("0"), {"`group` = 0", "no other column for features"}));
  CsvOptions options = grouped_by("who");
  options.ignore = "who";
  EXPECT_TRUE(fails(kPatients, options, {"`ignore` = who", "is the group"}));
}

TEST(CsvGroups, MustBeThereInEveryRow) {
  CsvOptions options = grouped_by("who");
  options.missing = "-9";
  for (const std::string gap : {"", "NA", "?", "nan", "-9"}) {
    EXPECT_TRUE(is_bad_input([&] { read("x,who,y\n1,p,a\n2," + gap + ",b\n", options); },
                             {"visits.csv:3: column 2 ('who')", "expected the row's group"}))
        << gap;
  }
}

}  // namespace
}  // namespace lockstep
