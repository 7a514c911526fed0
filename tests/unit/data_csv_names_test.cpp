// What the first line of a table is, and columns that are found by their names.

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
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

DatasetContent read(std::string_view text, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  return read_csv(folder.write("a.csv", text), options);
}

testing::AssertionResult fails(std::string_view text, const std::vector<std::string>& fragments,
                               const CsvOptions& options = {}) {
  return is_bad_input([&] { read(text, options); }, fragments);
}

CsvOptions regression(const std::string& label = "-1", Header header = Header::kAuto) {
  return {.task = Task::kRegression, .label = label, .header = header, .training = {}};
}

CsvOptions labelled(const std::string& label) {
  CsvOptions options;
  options.label = label;
  return options;
}

/// For another file of the same kind as `text`.
CsvOptions like(std::string_view text, CsvOptions options = regression()) {
  options.training = read(text, options).description;
  return options;
}

std::string warnings_of(std::string_view text, const CsvOptions& options = regression()) {
  testing::internal::CaptureStderr();
  read(text, options);
  return testing::internal::GetCapturedStderr();
}

TEST(CsvHeader, IsNoLineWithANumberAmongItsFeatures) {
  for (const std::string first : {"?", "NA", "n/a", "<NA>", "nan", "-", "null", ""}) {
    EXPECT_EQ(read(first + ",1,0\n1,2,1\n").description.samples, 2) << first;
    EXPECT_EQ(read("1," + first + ",0\n1,2,1\n").description.samples, 2) << first;
  }
  for (const std::string first :
       {"inf", "1e999", "-1e999", "12px", "2020-01-31", "$3", "5%", "\u22125", "abc", "\"1,5\"", "1 234"}) {
    EXPECT_TRUE(fails(first + ",1,0\n1,2,1\n", {"a.csv:1: column 1: expected", "set `header` = yes"}))
        << first;
    EXPECT_TRUE(fails("1," + first + ",0\n1,2,1\n", {"a.csv:1: column 2: expected", "set `header` = yes"}))
        << first;
  }
  EXPECT_TRUE(fails("1e999,0\n1,1\n", {"a.csv:1: column 1: expected a number up to 3.4e+38, found '1e999'"}));
  EXPECT_TRUE(fails("age,2019,y\n1,2,0\n", {"a.csv:1: column 1", "'age'", "set `header` = yes"}));
}

TEST(CsvHeader, IsALineOfNames) {
  for (const std::string line :
       {"a,b,y", "1stFloor,b,y", ",a,y", "a,?,y", "身長,列2,y", "Na,Mg,y", "a b,c-d,0", "_1,x1,y"}) {
    EXPECT_EQ(read(line + "\n1,2,0\n3,4,1\n").description.samples, 2) << line;
  }
}

TEST(CsvHeader, OfNumbersIsDoubted) {
  const std::string rows = "5.1,3.5,rose\n4.9,3.0,iris\n6.2,3.4,rose\n5.9,3.0,iris\n";
  EXPECT_TRUE(fails("0,1,species\n" + rows, {"a.csv:1: '0, 1, species'", "`header` = yes"}));
  EXPECT_TRUE(fails("2019,2020,class\n" + rows, {"`header` = yes"}));
  EXPECT_TRUE(fails("7,5,label\n1,2,0\n3,4,1\n", {"its label is no number", "`header` = yes"}));
  EXPECT_EQ(read(rows).description.samples, 4);
  CsvOptions options;
  options.header = Header::kNo;
  EXPECT_EQ(read("0,1,species\n" + rows, options).description.classes, 3);
  options.header = Header::kYes;
  EXPECT_EQ(read("0,1,species\n" + rows, options).description.classes, 2);

  EXPECT_THAT(warnings_of("0,1,2,3\n5,3,1,10\n"), HasSubstr("a.csv:1: '0, 1, 2, 3': taken for a sample"));
  EXPECT_THAT(warnings_of("0,1\n5,3\n"), HasSubstr("`header`"));
  EXPECT_THAT(warnings_of("2019,2020,2021\n5,3,4\n"), HasSubstr("`header`"));
  EXPECT_EQ(warnings_of("0,1,2,3\n5,3,1,10\n", regression("-1", Header::kNo)), "");
  EXPECT_EQ(warnings_of("1,2\n5,3\n"), "");
  EXPECT_EQ(warnings_of("0,2,4\n5,3,1\n"), "");
}

TEST(CsvNames, OccurOnce) {
  EXPECT_TRUE(fails("y,x,y\n0,1,0\n", {"a.csv: column 'y' occurs twice (1 and 3)"}, labelled("y")));
  EXPECT_TRUE(fails("x, x ,y\n0,1,0\n", {"column 'x' occurs twice (1 and 2)"}, labelled("y")));
  EXPECT_TRUE(fails("x,,,y\n0,1,2,0\n", {"columns 2 and 3 have no name"}, labelled("y")));
  EXPECT_TRUE(fails("1,1\n0,1\n", {"occurs twice"}, regression("-1", Header::kYes)));
  EXPECT_EQ(read("x,X,y\n0,1,0\n").description.feature_names.size(), 2U);
}

TEST(CsvNames, AreKept) {
  EXPECT_THAT(read("a,y,b\n1,2,3\n", regression("y")).description.feature_names, ElementsAre("a", "b"));
  EXPECT_THAT(read("a,y,b\n1,2,3\n", labelled("y")).description.target_names, ElementsAre("y"));
  EXPECT_THAT(read("1,2,3\n", regression()).description.feature_names, IsEmpty());
}

TEST(CsvNames, PutTheColumnsOfAnotherFileInOrder) {
  const std::string training = "a,b,y\n1,2,3\n";
  for (const std::string label : {"-1", "2", "y"}) {
    const CsvOptions options = like(training, regression(label));
    for (const std::string text :
         {"a,b,y\n10,20,30\n", "b,a,y\n20,10,30\n", "y,b,a\n30,20,10\n", "b,y,a\n20,30,10\n"}) {
      const DatasetContent content = read(text, options);
      EXPECT_THAT(content.values, ElementsAre(10, 20)) << text << label;
      EXPECT_THAT(content.targets, ElementsAre(30)) << text << label;
      EXPECT_THAT(content.description.feature_names, ElementsAre("a", "b"));
    }
  }
  const DatasetContent classes = read("kind,b,a\nlily,5,6\n", like("a,b,kind\n1,2,rose\n3,4,lily\n", {}));
  EXPECT_THAT(classes.values, ElementsAre(6, 5));
  EXPECT_THAT(classes.labels, ElementsAre(0));
}

TEST(CsvNames, OfSeveralTargetsAreFound) {
  const CsvOptions options = like("x,p,q\n1,2,3\n", regression("2,1"));
  EXPECT_THAT(read("q,p,x\n3,2,1\n", options).targets, ElementsAre(3, 2));
}

TEST(CsvNames, OfNumbersAreKnownFromTheTrainingFile) {
  const CsvOptions training = like("0,1,2\n1,2,3\n", regression("-1", Header::kYes));
  CsvOptions options = regression();
  options.training = training.training;
  EXPECT_THAT(read("2,1,0\n30,20,10\n", options).values, ElementsAre(10, 20));
}

TEST(CsvNames, ThatDifferAreNamed) {
  const CsvOptions options = like("a,b,y\n1,2,3\n");
  EXPECT_TRUE(fails("a,c,y\n1,2,3\n", {"a.csv: no column 'b'", "column 2 is 'c'"}, options));
  EXPECT_TRUE(fails("a,B,y\n1,2,3\n", {"no column 'b'", "'B'"}, options));
  EXPECT_TRUE(fails("c,a,y\n1,2,3\n", {"no column 'b'", "column 1 is 'c'"}, options));
  EXPECT_TRUE(fails("a,y\n1,3\n", {"no column 'b'"}, options));
  EXPECT_TRUE(fails("a,b,c,y\n1,2,3,4\n", {"column 3 is 'c'", "remove it"}, options));
  EXPECT_TRUE(fails("a,b\n1,2\n", {"`label` = -1: is column 'b'", "their label is 'y'"}, options));
  EXPECT_THAT(read("b,a,z\n2,1,3\n", options).targets, ElementsAre(3)) << "no doubt which one is the target";
}

TEST(CsvNames, AreNotNeededOnBothSides) {
  EXPECT_THAT(read("1,2,3\n", like("a,b,y\n1,2,3\n")).values, ElementsAre(1, 2));
  EXPECT_THAT(read("b,a,y\n1,2,3\n", like("1,2,3\n")).values, ElementsAre(1, 2));
}

/// "pandas.DataFrame({'a': …, 'b': …, 'label': …}).to_csv()", and the same read and written again.
TEST(CsvRowNumbers, AreLeftOut) {
  for (const std::string header : {",a,b,y", "\"\",a,b,y", "Unnamed: 0,a,b,y"}) {
    const std::string text = header + "\n0,5,6,7\n1,8,9,10\n";
    const DatasetContent content = read(text, regression());
    EXPECT_THAT(content.values, ElementsAre(5, 6, 8, 9)) << header;
    EXPECT_THAT(content.targets, ElementsAre(7, 10)) << header;
    EXPECT_THAT(content.description.feature_names, ElementsAre("a", "b")) << header;
  }
  EXPECT_THAT(warnings_of(",a,y\n0,5,7\n"), HasSubstr("a.csv: column 1 has no name, as the row numbers"));
  EXPECT_THAT(warnings_of("Unnamed: 0,a,y\n0,5,7\n"), HasSubstr("column 1 is 'Unnamed: 0', as the row"));
  const DatasetContent twice = read(",Unnamed: 0.1,Unnamed: 0,a,y\n3,3,3,5,7\n", regression());
  EXPECT_THAT(twice.values, ElementsAre(5));
  EXPECT_THAT(read(",a,y\nMazda RX4,5,7\n12.0,8,9\n", regression()).values, ElementsAre(5, 8));
}

TEST(CsvRowNumbers, AreNoneWhereTheyAreAskedForOrAllThereIs) {
  EXPECT_THAT(read(",a,b\n7,5,6\n", regression("0")).targets, ElementsAre(7));
  EXPECT_THAT(read(",y\n3,7\n", regression("y")).values, ElementsAre(3));
  EXPECT_THAT(read("a,,y\n3,4,7\n", regression()).values, ElementsAre(3, 4));
  EXPECT_THAT(read("Unnamed: 1,a,y\n3,4,7\n", regression()).values, ElementsAre(3, 4));
  EXPECT_TRUE(fails(",a,y\n0,5,7\n0.5,8,9\n", {"a.csv:3: column 1 (''): expected row numbers", "'0.5'"}));
}

TEST(CsvRowNumbers, NeedNotStandInBothFiles) {
  const std::string with = ",a,b,y\n3,5,6,7\n";
  const std::string without = "a,b,y\n5,6,7\n";
  for (const std::string& training : {with, without}) {
    for (const std::string& other : {with, without, std::string("b,y,a\n6,7,5\n")}) {
      EXPECT_THAT(read(other, like(training)).values, ElementsAre(5, 6)) << training << other;
    }
  }
  EXPECT_THAT(read(with, like("1,2,3\n")).values, ElementsAre(5, 6)) << "by position";
}

// Weights of programs that took them for a feature.
TEST(CsvRowNumbers, StayAFeatureOfWeightsThatHaveThem) {
  CsvOptions options = like("n,a,b,y\n1,2,3,4\n");
  options.training->feature_names.front() = "";
  EXPECT_THAT(read("b,,y,a\n6,3,7,5\n", options).values, ElementsAre(3, 5, 6));
  EXPECT_THAT(read(",a,b,y\n3,5,6,7\n", options).values, ElementsAre(3, 5, 6));
  options.training->feature_names.clear();
  EXPECT_THAT(read(",a,b,y\n3,5,6,7\n", options).values, ElementsAre(3, 5, 6));
}

TEST(CsvSeparators, AreNamed) {
  EXPECT_THAT(read("x, cm;y, cm;art\n1,5;2,5;a\n").values, ElementsAre(1.5, 2.5));
  EXPECT_TRUE(fails("1.5  2.5 0\n", {"separator space", "tr -s ' ' ','"}));
  EXPECT_TRUE(fails("a,b,y\n1;2;0\n", {"a.csv:2: 1 fields, expected 3", "the separator ';'"}));
  EXPECT_EQ(read("\"a;b\",y\n1,0\n").description.feature_names.front(), "a;b");
}

TEST(CsvNumbers, ThatOnlyLookSoAreNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\u22125", "U+2212, which looks like '-'"},
      {"\u20135", "U+2013"},
      {"3\u00a0", "U+00A0, which looks like a space"},
      {"1\u202f234", "U+202F"},
      {"\u200b3", "U+200B, which looks like nothing"},
      {"\ufeff3", "U+FEFF"},
      {"\uff0d3", "U+FF0D"},
      {"\uff13", "U+FF13"},
      {"1 234", "separators of thousands"},
      {"1'234", "separators of thousands"},
      {"\"1,234.5\"", "separators of thousands"},
      {"\"1,5\"", "decimal point"},
      {"1e-400", "from 2.2e-308 on"},
      {"1e-310", "from 2.2e-308 on"},
      {"12px", "write a number and nothing else"},
      {"high", "`categories`"}};
  for (const auto& [field, fragment] : cases) {
    EXPECT_TRUE(fails("x,y\n1,0\n" + field + ",1\n", {"a.csv:3: column 1 ('x'): expected", fragment}));
  }
  EXPECT_THAT(read("x,y\n0e-999,0\n1,1\n").values, ElementsAre(0, 1));
}

TEST(Csv, NamesOtherKindsOfFiles) {
  EXPECT_TRUE(fails(std::string("\xff\xfe"
                                "a\0,\0",
                                6),
                    {"UTF-16"}));
  EXPECT_TRUE(fails("PK\x03\x04 anything", {"ZIP archive", "export it as CSV"}));
  EXPECT_TRUE(fails(std::string("\0\0\x08\x03\0\0\0\1", 8), {"an IDX file", "folder"}));
}

TEST(Csv, WarnsOfTargetsThatAreOneInFloat) {
  EXPECT_THAT(warnings_of("x,y\n1,1700000001\n2,1700000002\n3,1700000003\n"),
              HasSubstr("3 different numbers of target 'y' become 1 in single precision"));
  EXPECT_THAT(warnings_of("x,y\n1,0.1\n2,0.2\n3,0.30000000000000004\n"), Not(HasSubstr("single precision")));
}

}  // namespace
}  // namespace lockstep
