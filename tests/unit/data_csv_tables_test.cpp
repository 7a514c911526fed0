// Tables as people have them: text, dates, gaps, identifiers, other separators.

#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <string>
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
using testing::IsNan;

DatasetContent read(std::string_view text, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  return read_csv(folder.write("a.csv", text), options);
}

std::string warnings(std::string_view text, const CsvOptions& options = {}) {
  testing::internal::CaptureStderr();
  read(text, options);
  return testing::internal::GetCapturedStderr();
}

testing::AssertionResult fails(std::string_view text, const std::vector<std::string>& fragments,
                               const CsvOptions& options = {}) {
  return is_bad_input([&] { read(text, options); }, fragments);
}

CsvOptions with(const std::function<void(CsvOptions&)>& change) {
  CsvOptions options;
  change(options);
  return options;
}

/// To read a later file of the same kind.
CsvOptions after(std::string_view training, CsvOptions options = {}) {
  options.training = read(training, options).description;
  return options;
}

/// What the network sees of the whole table.
std::vector<Real> gathered(const DatasetContent& content, NormalizationKind kind) {
  const Dataset data = make_dataset(content);
  Batch batch;
  for (Index i = 0; i < data.size(); ++i) batch.samples.push_back(i);
  gather(data, {compute_normalization(kind, data, data.size(), [](Index i) { return i; })}, batch);
  return batch.features;
}

TEST(CsvTables, TurnTextIntoAFeatureForEachCategory) {
  const DatasetContent content = read("colour,size,y\nred,1,0\ngreen,2,1\nred,3,0\nblue,4,1\n");
  EXPECT_THAT(content.description.feature_names,
              ElementsAre("colour=blue", "colour=green", "colour=red", "size"));
  EXPECT_THAT(content.values, ElementsAre(0, 0, 1, 1, 0, 1, 0, 2, 0, 0, 1, 3, 1, 0, 0, 4));
  EXPECT_THAT(content.description.feature_shape, ElementsAre(4));
}

TEST(CsvTables, LeaveIndicatorsAsTheyAreAndTakeTheMeanForGaps) {
  const DatasetContent content = read("age,sex,y\n1,m,0\n,f,1\n3,m,0\n5,m,1\n");
  EXPECT_THAT(content.description.feature_names, ElementsAre("age", "age missing", "sex=f", "sex=m"));
  EXPECT_THAT(content.values, ElementsAre(1, 0, 0, 1, IsNan(), 1, 1, 0, 3, 0, 0, 1, 5, 0, 0, 1));
  // Mean 3, deviation sqrt(8/3), of the three that are there.
  const auto z = static_cast<Real>(2 / std::sqrt(8.0 / 3));
  EXPECT_THAT(
      gathered(content, NormalizationKind::kStandard),
      ElementsAre(testing::FloatEq(-z), 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1, testing::FloatEq(z), 0, 0, 1));
  EXPECT_THAT(gathered(content, NormalizationKind::kUnit),
              ElementsAre(0, 0, 0, 1, 0.5, 1, 1, 0, 0.5, 0, 0, 1, 1, 0, 0, 1));
  EXPECT_THAT(gathered(content, NormalizationKind::kNone),
              ElementsAre(1, 0, 0, 1, 3, 1, 1, 0, 3, 0, 0, 1, 5, 0, 0, 1));
}

TEST(CsvTables, HaveAFeatureForAMissingCategory) {
  const DatasetContent content = read("port,a,y\nS,1,0\n,2,1\nS,3,0\nC,4,1\n");
  EXPECT_THAT(content.description.feature_names, ElementsAre("port=C", "port=S", "port missing", "a"));
  EXPECT_THAT(content.values, ElementsAre(0, 1, 0, 1, 0, 0, 1, 2, 0, 1, 0, 3, 1, 0, 0, 4));
}

TEST(CsvTables, KnowWhatIsWrittenForAGap) {
  for (const std::string gap :
       {"", "?", "NA", "n/a", "NaN", "null", "None", "-", ".", "#N/A", "<NA>", "\" \""}) {
    const DatasetContent content = read("a,b,y\n1,1,0\n" + gap + ",2,1\n2,3,0\n");
    EXPECT_THAT(content.values, ElementsAre(1, 0, 1, IsNan(), 1, 2, 2, 0, 3)) << gap;
  }
  const CsvOptions options = with([](CsvOptions& o) { o.missing = "unknown, -999"; });
  EXPECT_THAT(read("a,b,y\n1,-999,0\nunknown,2,1\n2,3,0\n", options).values,
              ElementsAre(1, 0, IsNan(), 1, IsNan(), 1, 2, 0, 2, 0, 3, 0));
  EXPECT_TRUE(
      fails("a,b,y\n1,1,0\nunknown,2,1\n2,3,0\n",
            {"a.csv:3: column 1 ('a'): expected a number, found 'unknown'", "`missing`", "`categories`"}));
}

TEST(CsvTables, ReadDates) {
  // 1970-01-05 was a Monday; 2000-02-29 a Tuesday, 11016 days after 1970-01-01.
  const DatasetContent content = read("day,y\n1970-01-05,0\n2000-02-29 12:00,1\n");
  EXPECT_THAT(content.description.feature_names, ElementsAre("day", "day month", "day weekday"));
  EXPECT_THAT(content.values, ElementsAre(4, 1, 1, 11016.5F, 2, 2));
  EXPECT_THAT(read("day,y\n05.01.1970,0\n29.02.2000,1\n").values, ElementsAre(4, 1, 1, 11016, 2, 2));
  EXPECT_THAT(read("day,y\n1/5/1970,0\n2/29/2000,1\n").values, ElementsAre(4, 1, 1, 11016, 2, 2));
  EXPECT_THAT(read("day,y\n5/1/1970,0\n29/2/2000,1\n").values, ElementsAre(4, 1, 1, 11016, 2, 2));
  EXPECT_THAT(warnings("day,y\n5/1/1970,0\n2/3/2000,1\n"), HasSubstr("with the month first"));
  EXPECT_THAT(read("day,y\n1970-01-05,0\n,1\n").values,
              ElementsAre(4, 1, 1, 0, IsNan(), IsNan(), IsNan(), 1));
}

TEST(CsvTables, LeaveOutWhatOnlyNamesTheRows) {
  std::string text = "PassengerId,name,same,a,y\n";
  for (int i = 1; i <= 12; ++i) {
    text += std::to_string(i * 7) + ",person " + std::to_string(i) + ",all," + std::to_string(i % 3) + ",0\n";
  }
  EXPECT_THAT(read(text).description.feature_names, ElementsAre("a"));
  const std::string warning = warnings(text);
  for (const std::string part :
       {"text of their own: 'name'", "numbers the rows: 'PassengerId'", "the same: 'same'"}) {
    EXPECT_THAT(warning, HasSubstr(part));
  }
  const CsvOptions all = with([](CsvOptions& o) { o.columns = "PassengerId, a"; });
  EXPECT_THAT(read(text, all).description.feature_names, ElementsAre("PassengerId", "a"));
  EXPECT_THAT(read(text, with([](CsvOptions& o) { o.columns = "name"; })).description.feature_shape,
              ElementsAre(12));
}

TEST(CsvTables, TakeTheColumnsThatAreAskedFor) {
  const std::string text = "a,b,c,y\n1,2,3,0\n4,5,6,1\n";
  EXPECT_THAT(read(text, with([](CsvOptions& o) { o.columns = "c, a"; })).values, ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(read(text, with([](CsvOptions& o) { o.ignore = "b"; })).values, ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(read("1,2,3,0\n4,5,6,1\n", with([](CsvOptions& o) { o.ignore = "1"; })).values,
              ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(read(text, with([](CsvOptions& o) { o.categories = "b"; })).description.feature_names,
              ElementsAre("a", "b=2", "b=5", "c"));
  EXPECT_TRUE(
      fails(text, {"`ignore` = bees", "no column 'bees'"}, with([](CsvOptions& o) { o.ignore = "bees"; })));
  EXPECT_TRUE(fails(text, {"`columns` = y", "is the label"}, with([](CsvOptions& o) { o.columns = "y"; })));
  EXPECT_TRUE(fails(text, {"no column is left for features", "`columns`"},
                    with([](CsvOptions& o) { o.ignore = "a, b, c"; })));
}

TEST(CsvTables, GiveFeaturesToTheMostFrequentCategories) {
  std::string text = "word,y\n";
  for (int i = 0; i < 150; ++i) {
    for (int k = 0; k < (i < 100 ? 3 : 2); ++k) text += "w" + std::to_string(i) + ",0\n";
  }
  const DatasetDescription description = read(text).description;
  EXPECT_THAT(description.feature_shape, ElementsAre(100));
  EXPECT_TRUE(description.columns.at(0).has_others);
  const CsvOptions later = after(text);
  EXPECT_THAT(read("word,y\nw149,0\n", later).values, testing::Each(0));
}

TEST(CsvTables, KeepNumbersAmongTextByTheirValue) {
  std::string text = "ticket,y\n";
  for (int i = 0; i < 6; ++i) text += "A/5,0\n1.0,0\n1,0\n";
  EXPECT_THAT(read(text).description.feature_names, ElementsAre("ticket=1", "ticket=A/5"));
}

TEST(CsvTables, FindTheSeparator) {
  for (const std::string text :
       {"a,b,y\n1,2.5,u\n3,4,v\n", "a;b;y\n1;2,5;u\n3;4;v\n", "a\tb\ty\n1\t2,5\tu\n3\t4\tv\n",
        "a|b|y\n1|2.5|u\n3|4|v\n", "1;2,5;u\n3;4;v\n", "a;b;y\r\n1;\"2,5\";u\r\n3;4;v\r\n",
        "\xEF\xBB\xBF"
        "a;b;y\n1;2.5;u\n3;4;v\n"}) {
    const DatasetContent content = read(text);
    EXPECT_THAT(content.values, ElementsAre(1, 2.5, 3, 4)) << text;
    EXPECT_THAT(content.description.class_names, ElementsAre("u", "v")) << text;
  }
  EXPECT_THAT(read("a,note,y\n1,x;y,0\n2,x;y,1\n3,z;u,1\n").description.feature_names,
              ElementsAre("a", "note=x;y", "note=z;u"));
  const CsvOptions bars = with([](CsvOptions& o) { o.separator = '|'; });
  EXPECT_THAT(read("1;2|u\n3;4|v\n1;2|u\n", bars).description.class_names, ElementsAre("u", "v"));
  EXPECT_TRUE(fails("a;b;y\n1;2\n", {"a.csv:2: 2 fields, expected 3"}));
}

TEST(CsvTables, RefuseDecimalCommasBesidePoints) {
  EXPECT_TRUE(
      fails("a;b;y\n1,5;2;0\n3;1.234;1\n", {"decimal comma in line 2 ('1,5')", "point in line 3 ('1.234')"}));
  EXPECT_TRUE(fails("a,b,y\n\"1,234\",2,0\n\"2,345\",3,1\n", {"a.csv:2: column 1 ('a')", "thousands"}));
}

TEST(CsvTables, ReportProblemsTogether) {
  EXPECT_TRUE(fails(
      "a,b,c,y\n1,2,x,0\n2,oops,y,1\n3,4,12px,1\n$5,6,x,1\n",
      {"problems in 2 columns", "a.csv:5: column 1 ('a')", "'$5'", "a.csv:3: column 2 ('b')", "'oops'"}));
}

TEST(CsvTables, AreReadAsTheTrainingFileWas) {
  const std::string training =
      "id,age,sex,day,y\n1,20,m,2020-01-01,0\n2,,f,2020-01-02,1\n3,40,m,2020-01-03,0\n";
  const CsvOptions options = after(training, with([](CsvOptions& o) { o.ignore = "id"; }));
  const DatasetContent content = read("y;day;sex;age\n1;2020-02-01;f;3,5\n", options);
  EXPECT_EQ(content.description.feature_names, options.training->feature_names);
  EXPECT_TRUE(fails("id,age,sex,day,y\n1,2,x,2020-01-01,0\n",
                    {"a.csv:2: column 3 ('sex')", "'x' is none of the 2", "`unseen` = ignore"}, options));
  EXPECT_TRUE(fails("id,age,sex,day,y\n1,2,m,,0\n", {"a.csv:2: column 4 ('day')", "a gap"}, options));
  EXPECT_TRUE(fails("id,age,sex,day,y\n1,2,m,soon,0\n", {"a.csv:2: column 4 ('day')", "a date"}, options));
  EXPECT_TRUE(
      fails("id,age,sex,day,y\n1,old,m,2020-01-01,0\n", {"a.csv:2: column 2 ('age')", "'old'"}, options));
  EXPECT_TRUE(fails("age,day,y\n1,2020-01-01,0\n", {"no column 'sex'"}, options));
}

TEST(CsvTables, IgnoreWhatIsNewIfTold) {
  CsvOptions options = after("a,sex,y\n1,m,0\n2,f,1\n3,m,0\n");
  options.unseen = Unseen::kIgnore;
  const DatasetContent content = read("a,sex,y\n1,x,0\n,m,1\n", options);
  EXPECT_THAT(content.values, ElementsAre(1, 0, 0, IsNan(), 0, 1));
  EXPECT_THAT(warnings("a,sex,y\n1,x,0\n,m,1\n", options), HasSubstr("'x' is none of the 2"));
  const Dataset training = make_dataset(read("a,sex,y\n1,m,0\n2,f,1\n3,m,0\n"));
  Batch batch;
  batch.samples = {1};
  gather(make_dataset(content),
         {compute_normalization(NormalizationKind::kNone, training, 3, [](Index i) { return i; })}, batch);
  EXPECT_THAT(batch.features, ElementsAre(2, 0, 1)) << "the mean of the training file";
}

TEST(CsvTables, DoubtNamesThatOccurAsValues) {
  EXPECT_TRUE(fails("p,x,e\ns,x,p\np,y,e\ns,x,p\n", {"a.csv:1:", "taken for the names", "`header` = no"}));
  const CsvOptions no = with([](CsvOptions& o) { o.header = Header::kNo; });
  EXPECT_EQ(read("p,x,e\ns,x,p\np,y,e\ns,x,p\n", no).description.samples, 4);
}

TEST(CsvTables, WithoutNamesAreTakenByPosition) {
  const CsvOptions options = after("1,m,0\n2,f,1\n3,m,1\n");
  EXPECT_THAT(read("5,f,0\n", options).values, ElementsAre(5, 1, 0));
  EXPECT_THAT(options.training->feature_names, IsEmpty());
}

TEST(CsvTables, OfPlainNumbersNeedNoList) {
  EXPECT_THAT(read("a,b,y\n1,2,0\n3,4,1\n").description.columns, IsEmpty());
  EXPECT_TRUE(fails("a,b,y\n1,,0\n", {"a.csv:2: column 2 ('b')", "a gap"}, after("a,b,y\n1,2,0\n3,4,1\n")));
}

TEST(TableColumns, AreTextAndBack) {
  const std::vector<TableColumn> columns = {
      {.name = "a"},
      {.name = "b", .has_gaps = true},
      {.name = "c", .kind = TableColumn::Kind::kCategory, .categories = {"x", "\"y\""}, .has_others = true},
      {.name = "d", .kind = TableColumn::Kind::kDate, .date_form = TableColumn::DateForm::kDayFirst},
      {.name = "e", .kind = TableColumn::Kind::kLeftOut}};
  EXPECT_EQ(columns_from_text(columns_to_text(columns)), columns);
  EXPECT_TRUE(is_bad_input([] { columns_from_text("[{\"name\": 1}]"); }, {"damaged"}));
  EXPECT_TRUE(is_bad_input([] { columns_from_text("{"); }, {"damaged"}));
  EXPECT_TRUE(is_bad_input([] { columns_from_text(R"([{"name":"a","kind":"x"}])"); }, {"damaged"}));
}

}  // namespace
}  // namespace lockstep
