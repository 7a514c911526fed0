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

TEST(CsvTables, ReadLaterFilesWithTheSameWordsForGaps) {
  const CsvOptions options =
      after("a,b,y\n1,-999,0\n2,3,1\n", with([](CsvOptions& o) { o.missing = "-999"; }));
  CsvOptions later;
  later.training = options.training;
  EXPECT_THAT(read("a,b,y\n1,-999,0\n", later).values, ElementsAre(1, IsNan(), 1));
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
  EXPECT_THAT(read("day,y\n1970-01-05T01:00:00+01:00,0\n1970-01-06,1\n").values,
              ElementsAre(4, 1, 1, 5, 1, 2));
  std::string days = "day,y\nsoon,0\n";
  for (int i = 1; i <= 28; ++i)
    days += "2020-01-" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ",1\n";
  EXPECT_TRUE(fails(days, {"a.csv:2: column 1 ('day')", "expected a date", "'soon'"}));
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
  for (const std::string part : {"text of their own, such as 'person 1': 'name'",
                                 "numbers the rows: 'PassengerId'", "the same: 'same'"}) {
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

TEST(CsvTables, GiveFeaturesToAsManyCategoriesAsAreAskedFor) {
  std::string text = "word,y\n";
  for (int i = 0; i < 150; ++i) {
    for (int k = 0; k < 2; ++k) text += "w" + std::to_string(i) + ",0\n";
  }
  text += "w7,0\nw149,0\n";
  EXPECT_THAT(warnings(text),
              HasSubstr("column 1 ('word'): has 150 different texts; only the 100 most frequent "
                        "ones have features; `max-categories` = 150 takes all"));
  const CsvOptions all = with([](CsvOptions& o) { o.max_categories = 150; });
  EXPECT_EQ(warnings(text, all), "");
  EXPECT_THAT(read(text, all).description.feature_shape, ElementsAre(150));
  EXPECT_FALSE(read(text, all).description.columns.at(0).has_others);
  const CsvOptions two = with([](CsvOptions& o) { o.max_categories = 2; });
  EXPECT_THAT(read(text, two).description.feature_names, ElementsAre("word=w149", "word=w7"));
  // A later file is read as the training file was, whatever is asked for then.
  CsvOptions later = after(text, all);
  later.max_categories = 2;
  EXPECT_THAT(read(text, later).description.feature_shape, ElementsAre(150));
}

TEST(CsvTables, KeepNumbersAmongTextByTheirValue) {
  std::string text = "ticket,y\n";
  for (int i = 0; i < 6; ++i) text += "A/5,0\n1.0,0\nB/6,1\n1,0\nC/7,1\nD/8,1\n1.50,1\n";
  EXPECT_THAT(read(text).description.feature_names,
              ElementsAre("ticket=1", "ticket=1.5", "ticket=A/5", "ticket=B/6", "ticket=C/7", "ticket=D/8"));
  const CsvOptions later = after(text);
  EXPECT_THAT(read("ticket,y\n1.5000,0\n", later).values, ElementsAre(0, 1, 0, 0, 0, 0));
  EXPECT_TRUE(fails(text + "007,1\n", {"column 1 ('ticket')", "'007' stands among texts", "`categories`"}));
  const CsvOptions codes = with([](CsvOptions& o) { o.categories = "plz"; });
  EXPECT_THAT(read("plz,y\n01067,0\n1067,1\n12345678901234567,0\n12345678901234568,1\n", codes)
                  .description.feature_shape,
              ElementsAre(4));
}

TEST(CsvTables, TakeAWordAmongNumbersForAMistake) {
  std::string text = "age,a,y\n";
  for (int i = 0; i < 100; ++i) text += (i % 7 == 0 ? "unknown" : std::to_string(20 + i)) + ",1,0\n";
  EXPECT_TRUE(fails(text, {"a.csv:2: column 1 ('age')", "'unknown'", "`missing`"}));
  std::string weights = "weight,a,y\n";
  for (int i = 0; i < 100; ++i) weights += std::to_string(i) + " kg,1,0\n";
  EXPECT_TRUE(fails(weights, {"a.csv:2: column 1 ('weight')", "'0 kg'"}));
}

TEST(CsvTables, FindTheSeparator) {
  for (const std::string text :
       {"a,b,y\n1,2.5,u\n3,4,v\n", "a;b;y\n1;2,5;u\n3;4;v\n", "a\tb\ty\n1\t2,5\tu\n3\t4\tv\n",
        "a|b|y\n1|2.5|u\n3|4|v\n", "1;2,5;u\n3;4;v\n", "a;b;y\r\n1;\"2,5\";u\r\n3;4;v\r\n",
        "\xEF\xBB\xBF\x61;b;y\n1;2.5;u\n3;4;v\n"}) {
    const DatasetContent content = read(text);
    EXPECT_THAT(content.values, ElementsAre(1, 2.5, 3, 4)) << text;
    EXPECT_THAT(content.description.class_names, ElementsAre("u", "v")) << text;
  }
  EXPECT_THAT(read("9,5;blau;ja\n1,0;rot;nein\n2,5;blau;ja\n").values,
              ElementsAre(9.5, 1, 0, 1, 0, 1, 2.5, 1, 0));
  EXPECT_THAT(read("Preis, netto;Farbe;Kauf\n9,5;blau;ja\n1,0;rot;nein\n").description.feature_names,
              ElementsAre("Preis, netto", "Farbe=blau", "Farbe=rot"));
  EXPECT_THAT(read("sep=|\r\na|b|y\r\n1|2|u\r\n").values, ElementsAre(1, 2));
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

TEST(CsvTables, RefuseADecimalPointInATargetBesideCommas) {
  CsvOptions options;
  options.task = Task::kRegression;
  EXPECT_TRUE(
      fails("0,77;3.471\n0,5;471\n", {"decimal comma in line 1", "point in line 1 ('3.471')"}, options));
  const CsvOptions ignored = with([](CsvOptions& o) { o.ignore = "version"; });
  EXPECT_THAT(read("a;version;y\n1,5;1.1;u\n2;1.2;v\n", ignored).values, ElementsAre(1.5, 2));
}

TEST(CsvTables, DoubtALineOfNamesWithYears) {
  std::string text = "city,2019,2020,kind\n";
  for (int i = 0; i < 20; ++i) text += (i % 2 == 0 ? "Rome,1,2,a\n" : "Bonn,3,4,b\n");
  EXPECT_TRUE(fails(text, {"a.csv:1:", "`header` = yes"}));
  EXPECT_EQ(read(text, with([](CsvOptions& o) { o.header = Header::kYes; })).description.samples, 20);
  std::string plain = "Oslo,5,9,a\n";
  for (int i = 0; i < 20; ++i) plain += "Rome,1,2,a\n";
  EXPECT_TRUE(fails(plain, {"a.csv:1:", "occur in no other row"}));
  EXPECT_EQ(read(plain, with([](CsvOptions& o) { o.header = Header::kNo; })).description.samples, 21);
}

TEST(CsvTables, TakeNoLabelForAGap) {
  EXPECT_TRUE(fails("a,y\n1,u\n2,NA\n", {"a.csv:3: column 2 ('y')", "expected a label, found 'NA'"}));
  EXPECT_THAT(read("a,y\n1,+\n2,-\n").description.class_names, ElementsAre("+", "-"));
}

TEST(CsvTables, LeaveOutEmptyColumnsAndRows) {
  CsvOptions options;
  options.label = "y";
  EXPECT_THAT(read("a,y,,\n1,u,,\n,,,\n2,v,,\n", options).values, ElementsAre(1, 2));
}

TEST(CsvTables, WithoutNamesInTrainingHaveNoneLater) {
  CsvOptions options = after("red,u\nblue,v\nred,u\n", with([](CsvOptions& o) { o.header = Header::kNo; }));
  options.header = Header::kAuto;
  options.wanted = Columns::kFeatures;
  EXPECT_EQ(read("blue\nred\nred\n", options).description.samples, 3);
}

TEST(CsvTables, RefuseListsThatContradictEachOther) {
  const std::string text = "a,b,y\n1,2,0\n3,4,1\n";
  EXPECT_TRUE(fails(text, {"`ignore` = a", "also in `columns`"},
                    with([](CsvOptions& o) { o.columns = o.ignore = "a"; })));
  EXPECT_TRUE(fails(text, {"`categories` = b", "not in `columns`"},
                    with([](CsvOptions& o) { o.columns = "a", o.categories = "b"; })));
}

TEST(CsvTables, NormaliseNothingToTheNumbersOfTheFile) {
  // Numbers that float cannot hold beside their origin, in a table of text.
  const DatasetContent content = read("t,c,y\n100000000.25,u,0\n100000000.75,v,1\n");
  ASSERT_FALSE(content.description.units.empty());
  EXPECT_FLOAT_EQ(static_cast<float>(gathered(content, NormalizationKind::kNone)[0]), 100000000.25F);
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
