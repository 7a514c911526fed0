// Tables to predict: features alone, found by name or by position, with or without labels.

#include <gmock/gmock.h>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/data/csv.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

DatasetContent read(std::string_view text, const CsvOptions& options) {
  const TemporaryFolder folder;
  return read_csv(folder.write("a.csv", text), options);
}

/// To predict what a model has learned from `training`.
CsvOptions learned(std::string_view training, Task task = Task::kClassification,
                   const std::string& label = "-1") {
  CsvOptions options{.task = task, .label = label, .header = Header::kAuto, .training = {}};
  options.training = read(training, options).description;
  options.wanted = Columns::kFeatures;
  return options;
}

std::vector<float> values(std::string_view text, const CsvOptions& options) {
  return read(text, options).values;
}

std::string warnings(std::string_view text, const CsvOptions& options) {
  testing::internal::CaptureStderr();
  read(text, options);
  return testing::internal::GetCapturedStderr();
}

testing::AssertionResult fails(std::string_view text, const CsvOptions& options,
                               const std::vector<std::string>& fragments) {
  return is_bad_input([&] { read(text, options); }, fragments);
}

CsvOptions named() { return learned("a,b,kind\n1,2,x\n3,4,y\n"); }
CsvOptions nameless() { return learned("1,2,x\n3,4,y\n"); }

TEST(CsvFeatures, AreFoundByNameInAnyOrder) {
  for (const std::string text : {"a,b\n5,6\n7,8\n", "b,a\n6,5\n8,7\n", "b,kind,a\n6,x,5\n8,never seen,7\n",
                                 "kind,b,a\n,6,5\n,8,7\n", "\"b\", a\n\"6\",5\n8,7\n"}) {
    EXPECT_THAT(values(text, named()), ElementsAre(5, 6, 7, 8)) << text;
    EXPECT_THAT(warnings(text, named()), IsEmpty()) << text;
  }
}

TEST(CsvFeatures, OtherColumnsAreLeftOutAndNamedOnce) {
  const std::string text = "id,b,when,a,,\nx1,6,2020-01-31,5,,1.5\nx2,8,never,7,?,\n";
  EXPECT_THAT(values(text, named()), ElementsAre(5, 6, 7, 8));
  const std::string others = "id2,b,when2,a,c,d,e,f\n,6,,5,,,,\n";
  EXPECT_THAT(warnings(others, named()),
              HasSubstr("a.csv: left out as no features of the training data: 'id2', 'when2', 'c', 'd', 'e' "
                        "and 1 more"));
}

TEST(CsvFeatures, HaveNoLabels) {
  const DatasetContent content = read("b,kind,a\n6,x,5\n", named());
  EXPECT_EQ(content.description.targets, 0);
  EXPECT_EQ(content.description.classes, 2);
  EXPECT_THAT(content.description.class_names, ElementsAre("x", "y"));
  EXPECT_THAT(content.labels, IsEmpty());
  const Dataset data = make_dataset(content);
  EXPECT_EQ(data.description().target_bytes(), 0U);
  Batch batch;
  batch.samples = {0};
  gather(data, {}, batch);
  EXPECT_THAT(batch.features, ElementsAre(5, 6));
  EXPECT_THAT(batch.labels, IsEmpty());
}

TEST(CsvFeatures, ThatAreMissingAreNamed) {
  EXPECT_TRUE(fails("a,c\n1,2\n", named(), {"a.csv: no column 'b', which the training data have"}));
  EXPECT_TRUE(fails("a,2019\n1,2\n", named(), {"no column 'b'"}));
  EXPECT_TRUE(fails("a,b,a\n1,2,3\n", named(), {"column 'a' occurs twice (1 and 3)"}));
}

// A person may have given another table, one without its first line, or one of identifiers alone.
TEST(CsvFeatures, AnotherTableIsToldFromOneThatLacksAColumn) {
  EXPECT_TRUE(fails("x,z,w\n1,2,3\n", named(),
                    {"a.csv: none of its columns ('x', 'z', 'w') is a feature of the training data",
                     "expected 'a', 'b', in any order", "is it another table"}));
  const CsvOptions wide = learned("a,b,c,d,e,f,g,kind\n1,2,3,4,5,6,7,x\n7,6,5,4,3,2,1,y\n");
  EXPECT_TRUE(fails("x,z\n1,2\n", wide, {"expected 'a', 'b', 'c', 'd', 'e' and 2 more"}));
  EXPECT_TRUE(fails("f,b,z\n1,2,3\n", wide,
                    {"a.csv: no columns 'a', 'c', 'd', 'e', 'g', which the training data have (column 3 is "
                     "'z', which they do not have)"}));
  CsvOptions by_name = wide;
  for (const char* const label : {"-1", "kind"}) {
    by_name.label = label;
    EXPECT_TRUE(fails("1,2,3\n", by_name,
                      {"a.csv: 3 columns; expected the 7 columns that the weights were trained on, or 8 with "
                       "those of `label`",
                       "the first line has to name 'a', 'b', 'c', 'd', 'e' and 2 more, and it names none"}));
  }
  EXPECT_TRUE(fails("id\nx1\n", wide,
                    {"a.csv:1: only one column; expected features ('a', 'b', 'c', 'd', 'e' "
                     "and 2 more), separated by commas"}));
}

TEST(CsvFeatures, ThatAreNoNumbersAreNamedWithTheirPlace) {
  EXPECT_TRUE(fails("id,b,a\nx,6,5\ny,red,5\n", named(),
                    {"a.csv:3: column 2 ('b'): expected a number, found 'red'"}));
  EXPECT_TRUE(fails("b,a\n6,5\n8\n", named(), {"a.csv:3: 1 fields, expected 2"}));
  EXPECT_TRUE(fails("b,a\n6,\n", named(), {"a.csv:2: column 2 ('a')"}));
  EXPECT_TRUE(fails("b,a\n", named(), {"no rows of data below the names"}));
}

TEST(CsvFeatures, WithoutNamesAreTakenByPosition) {
  for (const CsvOptions& options : {named(), nameless()}) {
    EXPECT_THAT(values("5,6\n7,8\n", options), ElementsAre(5, 6, 7, 8));
    EXPECT_THAT(values("5,6,x\n7,8,never seen\n", options), ElementsAre(5, 6, 7, 8));
    EXPECT_TRUE(fails("5\n7\n", options, {"a.csv:1: only one column; expected features"}));
    EXPECT_TRUE(fails("5,6,7,8\n", options,
                      {"a.csv: 4 columns; expected the 2 columns", "or 3 with those of `label`"}));
  }
  EXPECT_THAT(values("c,d\n5,6\n", nameless()), ElementsAre(5, 6));
  EXPECT_THAT(values("c,d,e\n5,6,x\n", nameless()), ElementsAre(5, 6));
  EXPECT_THAT(values("c,d,\"e, f\"\n5,6,x\n", nameless()), ElementsAre(5, 6));
  EXPECT_THAT(warnings("c,d,e\n5,6,x\n", nameless()), Not(HasSubstr("left out")));
}

TEST(CsvFeatures, TheLabelThatIsSetIsLeftOut) {
  CsvOptions options = nameless();
  options.label = "0";
  EXPECT_THAT(values("x,5,6\n", options), ElementsAre(5, 6));
  EXPECT_THAT(values("5,6\n", options), ElementsAre(5, 6));
  options.label = "e";
  EXPECT_THAT(values("c,e,d\n5,x,6\n", options), ElementsAre(5, 6));
  EXPECT_THAT(values("c,d\n5,6\n", options), ElementsAre(5, 6));
  options = named();
  options.label = "sort";
  EXPECT_THAT(warnings("a,b,sort\n5,6,x\n", options), IsEmpty());
}

TEST(CsvFeatures, RowNumbersArePassedOver) {
  EXPECT_THAT(values(",c,d\n0,5,6\n1,7,8\n", nameless()), ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(values(",c,d,e\n0,5,6,x\n1,7,8,y\n", nameless()), ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(values(",b,a\n0,6,5\n", named()), ElementsAre(5, 6));
}

TEST(CsvFeatures, SeveralTargetsMayBeThereOrNot) {
  const CsvOptions options = learned("a,u,b,v\n1,0,2,0\n3,1,4,1\n", Task::kRegression, "u,v");
  EXPECT_THAT(values("b,a\n6,5\n", options), ElementsAre(5, 6));
  EXPECT_THAT(values("v,b,u,a\n,6,,5\n", options), ElementsAre(5, 6));
  EXPECT_THAT(warnings("v,b,u,a\n,6,,5\n", options), IsEmpty());
  CsvOptions by_position = learned("1,0,2,0\n3,1,4,1\n", Task::kMultiLabel, "1,3");
  EXPECT_THAT(values("5,?,6,\n", by_position), ElementsAre(5, 6));
  EXPECT_THAT(values("5,6\n", by_position), ElementsAre(5, 6));
  by_position.label = "-1";
  EXPECT_TRUE(fails("5,6,1,0\n", by_position, {"4 columns; expected the 2 columns", "or 4 with"}));
}

TEST(CsvFeatures, OneFeatureIsATableOfOneColumn) {
  const CsvOptions by_name = learned("a,kind\n1,x\n3,y\n");
  EXPECT_THAT(values("a\n5\n6\n", by_name), ElementsAre(5, 6));
  EXPECT_THAT(values("5\n6\n", learned("1,x\n3,y\n")), ElementsAre(5, 6));
}

// The numbers that float has not: their unit is that of the training file, wherever the column stands.
TEST(CsvFeatures, HaveTheUnitsOfTheTrainingFile) {
  const CsvOptions options = learned("t,b,y\n1700000000.25,1,0\n1700000000.75,2,1\n", Task::kRegression);
  ASSERT_EQ(options.training->units.size(), 2U);
  const DatasetContent content = read("b,t\n3,1700000000.5\n", options);
  EXPECT_EQ(content.description.units, options.training->units);
  EXPECT_THAT(content.values, ElementsAre(0, 3));
}

}  // namespace
}  // namespace lockstep
