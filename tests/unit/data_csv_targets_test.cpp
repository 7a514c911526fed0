// Tables with several target columns.

#include <gmock/gmock.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/csv.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kTable = "a,b,c,d\n1,0,1,5\n2,1,0,6\n";

CsvOptions labelled(const std::string& label, Task task = Task::kRegression, Header header = Header::kAuto) {
  CsvOptions options;
  options.task = task;
  options.label = label;
  options.header = header;
  return options;
}

DatasetContent read(std::string_view text, const CsvOptions& options) {
  const TemporaryFolder folder;
  return read_csv(folder.write("train.csv", text), options);
}

testing::AssertionResult fails(std::string_view text, const CsvOptions& options,
                               const std::vector<std::string>& fragments) {
  return is_bad_input([&] { read(text, options); }, fragments);
}

TEST(CsvTargets, StandInTheOrderOfTheList) {
  const DatasetContent content = read(kTable, labelled("d, b"));
  EXPECT_EQ(content.description.targets, 2);
  EXPECT_EQ(content.description.classes, 0);
  EXPECT_THAT(content.description.feature_shape, ElementsAre(2));
  EXPECT_THAT(content.values, ElementsAre(1, 1, 2, 0));
  EXPECT_THAT(content.targets, ElementsAre(5, 0, 6, 1));
  EXPECT_THAT(content.description.target_names, ElementsAre("d", "b"));
  EXPECT_THAT(content.labels, IsEmpty());
  EXPECT_EQ(make_dataset(content).targets().size(), 4U);
}

TEST(CsvTargets, AreFoundByNameAndNumber) {
  for (const std::string label : {"b,c", "1,2", "-3,-2", "b,-2", " b ,2 "}) {
    EXPECT_THAT(read(kTable, labelled(label)).targets, ElementsAre(0, 1, 1, 0)) << label;
  }
  const DatasetContent without_names = read("1,2,3\n4,5,6\n", labelled("0,-1"));
  EXPECT_THAT(without_names.targets, ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(without_names.description.target_names, IsEmpty());
  // Names of numbers win over numbers, and are names because of the list.
  EXPECT_THAT(read("2,x,y\n7,8,9\n", labelled("2,x")).targets, ElementsAre(7, 8));
  EXPECT_THAT(read("1,x\n7,8\n9,4\n", labelled("x")).targets, ElementsAre(8, 4));
}

TEST(CsvTargets, ANameMayHoldAComma) {
  const std::string text = "a,\"b, c\",b,c\n1,2,3,4\n";
  EXPECT_THAT(read(text, labelled("b, c")).targets, ElementsAre(2));
  EXPECT_THAT(read(text, labelled("b,c")).targets, ElementsAre(3, 4));
  EXPECT_THAT(read(text, labelled("b, c", Task::kClassification)).description.class_names, ElementsAre("2"));
}

TEST(CsvTargets, OfAMultiLabelSetAreZeroOrOne) {
  const DatasetContent content = read("x,p,q\n3,0,1\n4,1.0,0\n", labelled("p,q", Task::kMultiLabel));
  EXPECT_EQ(content.description.task, Task::kMultiLabel);
  EXPECT_EQ(content.description.targets, 2);
  EXPECT_THAT(content.targets, ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(read("3,0\n4,1\n", labelled("-1", Task::kMultiLabel)).targets, ElementsAre(0, 1));
  for (const std::string wrong : {"2", "0.5", "-1", "yes"}) {
    EXPECT_TRUE(fails("x,p,q\n3,0,1\n4,1," + wrong + "\n", labelled("p,q", Task::kMultiLabel),
                      {"train.csv:3: column 3 ('q')", "'" + wrong + "'"}));
  }
  EXPECT_TRUE(fails("3,2\n4,1\n", labelled("-1", Task::kMultiLabel), {"expected 0 or 1", "`task`"}));
}

TEST(CsvTargets, RefuseColumnsThatAreNone) {
  EXPECT_TRUE(fails(kTable, labelled("a,e"), {"`label` = a,e", "no column 'e'"}));
  EXPECT_TRUE(fails(kTable, labelled("a,"), {"`label` = a,", "no column ''"}));
  EXPECT_TRUE(fails(kTable, labelled("a,4"), {"`label` = a,4", "no column 4", "4 columns", "0 to 3"}));
  EXPECT_TRUE(fails("1,2,3\n", labelled("0,b"), {"no column 'b'", "does not name the columns", "0 to 2"}));
}

TEST(CsvTargets, RefuseColumnsNamedTwice) {
  EXPECT_TRUE(fails(kTable, labelled("a,a"), {"`label` = a,a", "twice"}));
  EXPECT_TRUE(fails(kTable, labelled("d,-1"), {"`label` = d,-1", "twice"}));
}

TEST(CsvTargets, LeaveAFeature) {
  EXPECT_TRUE(fails(kTable, labelled("a,b,c,d"), {"all 4 columns", "leave at least one"}));
}

TEST(CsvTargets, OfAClassificationAreOne) {
  EXPECT_TRUE(fails(kTable, labelled("b,c", Task::kClassification),
                    {"`label` = b,c", "one label", "`task` = multi-label or regression"}));
}

}  // namespace
}  // namespace lockstep
