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

DatasetContent read(std::string_view text, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  return read_csv(folder.write("train.csv", text), options);
}

testing::AssertionResult fails(std::string_view text, const std::vector<std::string>& fragments,
                               const CsvOptions& options = {}) {
  return is_bad_input([&] { read(text, options); }, fragments);
}

CsvOptions regression() {
  CsvOptions options;
  options.task = Task::kRegression;
  return options;
}

CsvOptions labelled(const std::string& label, Header header = Header::kAuto) {
  CsvOptions options;
  options.label = label;
  options.header = header;
  return options;
}

TEST(Csv, ReadsFeaturesAndClasses) {
  const DatasetContent content = read("a,b,y\n1,2.5,0\n-3,4e2,1\n");
  EXPECT_EQ(content.description.samples, 2);
  EXPECT_EQ(content.description.storage, Storage::kFloats);
  EXPECT_THAT(content.description.feature_shape, ElementsAre(2));
  EXPECT_THAT(content.values, ElementsAre(1.0F, 2.5F, -3.0F, 400.0F));
  EXPECT_THAT(content.labels, ElementsAre(0, 1));
  EXPECT_EQ(content.description.classes, 2);
  EXPECT_THAT(content.description.class_names, IsEmpty());
  EXPECT_EQ(make_dataset(content).size(), 2);
}

TEST(Csv, ReadsTargets) {
  const DatasetContent content = read("1,2,0.5\n3,4,-1\n", regression());
  EXPECT_THAT(content.values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(content.targets, ElementsAre(0.5F, -1.0F));
  EXPECT_EQ(content.description.classes, 0);
}

TEST(Csv, NumbersTextLabelsInTheirOrder) {
  const DatasetContent content = read("1,rose\n2,iris\n3,rose\n4,\"lily, white\"\n");
  EXPECT_THAT(content.description.class_names, ElementsAre("iris", "lily, white", "rose"));
  EXPECT_EQ(content.description.classes, 3);
  EXPECT_THAT(content.labels, ElementsAre(2, 0, 2, 1));
}

TEST(Csv, NamesClassesUnlessTheirLabelsAreTheirNumbers) {
  EXPECT_THAT(read("1,2\n1,0\n1,1\n").labels, ElementsAre(2, 0, 1));
  EXPECT_THAT(read("1,2\n1,0\n1,1\n").description.class_names, IsEmpty());
  EXPECT_THAT(read("1,1\n1,3\n1,0\n").description.class_names, ElementsAre("0", "1", "3"));
  EXPECT_THAT(read("1,1\n1,3\n1,0\n").labels, ElementsAre(1, 2, 0));
  EXPECT_THAT(read("1,1\n1,2\n").description.class_names, ElementsAre("1", "2"));
  EXPECT_THAT(read("1,2021\n1,2019\n1,2020\n").description.class_names, ElementsAre("2019", "2020", "2021"));
  EXPECT_THAT(read("1,2021\n1,2019\n1,2020\n").labels, ElementsAre(2, 0, 1));
  EXPECT_THAT(read("1,a\n1,1\n1,b\n1,a\n").description.class_names, ElementsAre("1", "a", "b"));
}

TEST(Csv, OrdersNumbersAsLabelsByTheirSize) {
  EXPECT_THAT(read("1,9\n1,10\n1,-1\n1,-10\n").description.class_names, ElementsAre("-10", "-1", "9", "10"));
  EXPECT_THAT(read("1,1\n1,0.5\n").description.class_names, ElementsAre("0.5", "1"));
}

TEST(Csv, TakesLabelsByTheirText) {
  EXPECT_THAT(read("1,1.0\n1,3.0\n1,1\n").labels, ElementsAre(0, 1, 0));
  EXPECT_THAT(read("1,1.0\n1,3.0\n1,1\n").description.class_names, ElementsAre("1", "3"));
  EXPECT_THAT(read("1,0.0\n1,1.0\n").description.class_names, IsEmpty());
  EXPECT_THAT(read("1,007\n1,8\n").description.class_names, ElementsAre("007", "8"));
  EXPECT_THAT(read("1,a\n1,7\n1,007\n1,a\n").description.class_names, ElementsAre("007", "7", "a"));
  EXPECT_TRUE(fails("1,007\n1,7\n", {"train.csv", "'007' and '7'", "same number"}));
  EXPECT_TRUE(fails("1,1e0\n1,1\n", {"'1' and '1e0'"}));
  EXPECT_TRUE(fails("1,a\n1,a\u00a0\n", {"train.csv:2: column 2", "'a<U+00A0>'"}));
}

TEST(Csv, FindsTheLabelColumnByNumber) {
  const auto name = [](const DatasetContent& content) { return content.description.class_names.at(0); };
  EXPECT_EQ(name(read("7,1,2\n", labelled("0"))), "7");
  EXPECT_EQ(name(read("1,7,2\n", labelled("1"))), "7");
  EXPECT_EQ(name(read("1,7,2\n", labelled("-2"))), "7");
  EXPECT_THAT(read("1,7,2\n", labelled("-2")).values, ElementsAre(1, 2));
}

TEST(Csv, FindsTheLabelColumnByName) {
  const auto name = [](const DatasetContent& content) { return content.description.class_names.at(0); };
  EXPECT_EQ(name(read("y,a\n7,1\n", labelled("y"))), "7");
  EXPECT_EQ(name(read("a,1,b\n5,7,6\n", labelled("1"))), "7");
  EXPECT_EQ(name(read("1,0,a\n7,5,6\n", labelled("1", Header::kYes))), "7") << "names win over numbers";
  EXPECT_EQ(name(read("0,1,y\n5,6,7\n", labelled("y"))), "7");
  EXPECT_EQ(name(read("2019,2020,2021\n5,6,7\n", labelled("2021", Header::kYes))), "7");
  EXPECT_TRUE(fails("2019,2020,2021\n5,6,7\n", {"no column 2021", "`header` = yes"}, labelled("2021")));
}

TEST(Csv, KnowsWhetherTheFirstLineNamesTheColumns) {
  EXPECT_EQ(read("a,b\n1,2\n").description.samples, 1);
  EXPECT_EQ(read("1,b\n1,c\n").description.samples, 2) << "text as label is no header";
  EXPECT_EQ(read("1,2\n3,4\n", labelled("-1", Header::kYes)).description.samples, 1);
  EXPECT_EQ(read("1,2\n3,4\n", labelled("-1", Header::kNo)).description.samples, 2);
  EXPECT_TRUE(fails("a,2\n3,4\n", {"train.csv:1: column 1:", "'a'"}, labelled("-1", Header::kNo)));
}

TEST(Csv, ReadsQuotesLineEndsMarksAndEmptyLines) {
  const std::string byte_order_mark = "\xEF\xBB\xBF";
  const std::vector<std::string> same = {"a,b\n1,2\n3,4\n",
                                         "a,b\r\n1,2\r\n3,4\r\n",
                                         "a,b\r1,2\r3,4",
                                         "a,b\n1,2\n3,4",
                                         "a,b\n1,2\n3,4\n\n\n",
                                         "a,b\r\n1,2\r\n3,4\r\n\r\n",
                                         byte_order_mark + "a,b\n1,2\n3,4\n",
                                         "\"a\",\"b\"\n\"1\",\"2\"\n\"3\",\"4\"\n",
                                         " a , b \n 1 , 2 \n 3 , 4 \n",
                                         "\"\"\"a\"\"\",\"b\nc\"\n1,2\n3,4\n"};
  for (const std::string& text : same) {
    const DatasetContent content = read(text);
    EXPECT_THAT(content.values, ElementsAre(1, 3)) << text;
    EXPECT_THAT(content.description.class_names, ElementsAre("2", "4")) << text;
  }
  EXPECT_THAT(read("\xEF\xBB\xBF"
                   "y,a\n7,1\n",
                   labelled("y"))
                  .description.class_names,
              ElementsAre("7"));
}

TEST(Csv, ReadsFilesLongerThanItsBuffer) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i) + ",1\n";
  const DatasetContent content = read(text);
  ASSERT_EQ(content.description.samples, 200000);
  for (int i = 0; i < 200000; ++i)
    ASSERT_EQ(content.values[static_cast<std::size_t>(i)], static_cast<float>(i));
  EXPECT_TRUE(fails(text + "x,1\n", {":200001: column 1"}));
}

TEST(Csv, NamesTheFieldThatIsNoNumber) {
  EXPECT_TRUE(fails("id,age,y\n1,2,0\n1,abc,0\n",
                    {"train.csv:3: column 2 ('age'): expected a number, found 'abc'", "`categories`"}));
  EXPECT_TRUE(fails("1,2\nabc,2\n", {"train.csv:2: column 1:", "'abc'"}));
  for (const std::string text : {"inf", "-inf", "infinity"}) {
    EXPECT_TRUE(fails("1,2\n" + text + ",2\n", {"train.csv:2: column 1", "finite", text}));
  }
  EXPECT_TRUE(fails("1,2\n1e39,2\n", {"train.csv:2: column 1", "3.4e+38", "1e39"}));
  EXPECT_TRUE(fails("1,2\n1e999,2\n", {"train.csv:2: column 1", "1e999"}));
  EXPECT_TRUE(fails("1,2\n1,x\n", {"train.csv:2: column 2", "'x'"}, regression()));
  EXPECT_TRUE(fails("1,2\n1,\n", {"train.csv:2: column 2", "nothing"}));
}

TEST(Csv, CountsLinesAsAnEditorDoes) {
  EXPECT_TRUE(fails("a,b\n\n1,2\n\nx,2\n", {"train.csv:5:"}));
  EXPECT_TRUE(fails("a,b\r\n\r\n1,2\r\n\r\nx,2\r\n", {"train.csv:5:"}));
  EXPECT_TRUE(fails("\"a\nb\",\"c\r\nd\"\n1,2\nx,2\n", {"train.csv:5:", "('a?b')"}));
}

TEST(Csv, KeepsMessagesShort) {
  EXPECT_TRUE(fails("1,2\n" + std::string(1000, 'x') + ",2\n", {std::string(40, 'x') + "…'"}));
}

TEST(Csv, RefusesRaggedRows) {
  EXPECT_TRUE(fails("a,b,c\n1,2,3\n1,2\n", {"train.csv:3:", "2 fields", "expected 3"}));
  EXPECT_TRUE(fails("a,b,c\n1,2,3,4\n", {"train.csv:2:", "4 fields", "expected 3"}));
}

TEST(Csv, RefusesTablesWithoutRows) {
  EXPECT_TRUE(fails("", {"train.csv", "no rows"}));
  EXPECT_TRUE(fails("\n\n", {"no rows"}));
  EXPECT_TRUE(fails("a,b\n", {"no rows", "below"}));
}

TEST(Csv, RefusesASingleColumn) {
  EXPECT_TRUE(fails("1\n2\n", {"train.csv:1:", "only one column", "commas"}));
  EXPECT_TRUE(fails("1 2\n3 4\n", {"only one column", "separator space", "tr -s ' ' ','"}));
}

TEST(Csv, RefusesUnknownLabelColumns) {
  EXPECT_TRUE(fails("age,species\n1,2\n", {"`label` = spices", "'species'"}, labelled("spices")));
  EXPECT_TRUE(fails("1,2\n3,4\n", {"`label` = y", "0 to 1"}, labelled("y")));
  EXPECT_TRUE(fails("y,2\n3,4\n", {"`label` = y", "`header` = no"}, labelled("y", Header::kNo)));
  EXPECT_TRUE(fails("1,2\n", {"`label` = 2", "2 columns", "0 to 1", "-2 to -1"}, labelled("2")));
  EXPECT_TRUE(fails("1,2\n", {"`label` = -3"}, labelled("-3")));
}

TEST(Csv, RefusesWhatIsNoText) {
  EXPECT_TRUE(fails(std::string("\x89PNG\0\1,2\n", 9), {"train.csv", "binary"}));
  EXPECT_TRUE(fails(std::string("\x1f\x8b\0\0\1,2\n", 8), {"train.csv", "compressed data are corrupt"}));
  EXPECT_TRUE(fails("1,2\n3,\xe9t\xe9\n", {"train.csv:2:", "UTF-8"}));
  EXPECT_TRUE(fails("1,2\n3,\xc3", {"train.csv:2:", "UTF-8"}));
  EXPECT_THAT(read("1,\xc3\xa9t\xc3\xa9\n").description.class_names, ElementsAre("\xc3\xa9t\xc3\xa9"));
}

TEST(Csv, RefusesBrokenQuotes) {
  EXPECT_TRUE(fails("1,2\n\"3\"x,4\n", {"train.csv:2:", "quotes"}));
  EXPECT_TRUE(fails("1,2\n3,4\n\"5,6\n7,8\n", {"train.csv:3:", "quotes"}));
}

TEST(Csv, RefusesFilesThatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_bad_input([&] { read_csv(folder.path() / "no.csv", {}); }, {"no.csv", "No such file"}));
  EXPECT_TRUE(is_bad_input([&] { read_csv(folder.path(), {}); }, {folder.path().string(), "a folder"}));
}

TEST(CsvTestPart, HasTheClassesOfTheTrainingPart) {
  CsvOptions options;
  options.training.emplace().classes = 5;
  EXPECT_EQ(read("1,2\n", options).description.classes, 5);
  EXPECT_TRUE(fails("1,2\n1,5\n", {"train.csv:2: column 2", "0 to 4", "'5'", "`label`"}, options));
  EXPECT_TRUE(fails("1,2\n1,a\n", {"train.csv:2: column 2", "0 to 4", "'a'"}, options));
}

TEST(CsvTestPart, HasTheClassNamesOfTheTrainingPart) {
  CsvOptions options;
  // In this order, whatever theirs is.
  options.training.emplace().class_names = {"rose", "iris", "10"};
  options.training->classes = 3;
  const DatasetContent content = read("1,iris\n2,10\n", options);
  EXPECT_THAT(content.labels, ElementsAre(1, 2));
  EXPECT_EQ(content.description.classes, 3);
  EXPECT_EQ(content.description.class_names, options.training->class_names);
  EXPECT_TRUE(
      fails("1,iris\n2,ross\n", {"train.csv:2: column 2", "'ross'", "did you mean 'rose'?"}, options));
}

}  // namespace
}  // namespace lockstep
