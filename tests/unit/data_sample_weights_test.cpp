// Weights of rows, as tables say them.

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

constexpr const char* kSurvey = "x,w,who,y\n1,0.5,p,a\n2,3,q,b\n3,0,p,a\n";

CsvOptions weighted_by(const std::string& weight, const std::string& group = "who") {
  CsvOptions options;
  options.weight = weight;
  options.group = group;
  return options;
}

DatasetContent read(std::string_view text, const CsvOptions& options) {
  const TemporaryFolder folder;
  return read_csv(folder.write("survey.csv", text), options);
}

testing::AssertionResult fails(std::string_view text, const CsvOptions& options,
                               const std::vector<std::string>& fragments) {
  return is_bad_input([&] { read(text, options); }, fragments);
}

TEST(CsvWeights, AreNumbersAndNoFeature) {
  for (const std::string column : {"w", "1", "-3"}) {
    const DatasetContent content = read(kSurvey, weighted_by(column));
    EXPECT_THAT(content.sample_weights, ElementsAre(0.5F, 3, 0)) << column;
    EXPECT_EQ(content.description.weight_name, "w");
    EXPECT_THAT(content.groups, ElementsAre(0, 1, 0));
    EXPECT_THAT(content.values, ElementsAre(1, 2, 3));
  }
  const DatasetContent without_names = read("0,5;1;a\n2,5;2;b\n", weighted_by("0", ""));
  EXPECT_THAT(without_names.sample_weights, ElementsAre(0.5F, 2.5F)) << "with decimal commas";
  EXPECT_THAT(read(kSurvey, {}).sample_weights, IsEmpty());
}

TEST(CsvWeights, MustBeNumbersNotBelowZero) {
  for (const std::string wrong : {"-1", "-0.001", "inf", "nan", "", "NA", "heavy", "1e99"}) {
    EXPECT_TRUE(fails("x,w,y\n1,1,a\n2," + wrong + ",b\n", weighted_by("w", ""),
                      {"survey.csv:3: column 2 ('w')", "expected", "found"}))
        << wrong;
  }
}

TEST(CsvWeights, ThatCannotBeFoundAreRefused) {
  EXPECT_TRUE(fails(kSurvey, weighted_by("ww"), {"`weight` = ww", "no column 'ww'"}));
  EXPECT_TRUE(fails(kSurvey, weighted_by("y"), {"`weight` = y", "the label"}));
  EXPECT_TRUE(fails(kSurvey, weighted_by("w", "w"), {"`group` = w", "the weight"}));
  CsvOptions options = weighted_by("w");
  options.columns = "x,w";
  EXPECT_TRUE(fails(kSurvey, options, {"`columns` = x,w", "'w' is the weight"}));
}

TEST(CsvWeights, OfLaterFilesAreReadWhereTheyAreAskedFor) {
  CsvOptions options = weighted_by("1");
  options.training = read(kSurvey, options).description;
  const char* const moved = "y,w,x\nb,2,7\n";
  EXPECT_THAT(read(moved, options).sample_weights, ElementsAre(2)) << "by the training file's name";
  EXPECT_TRUE(fails("y,x\nb,7\n", weighted_by("w"), {"`weight` = w", "no column 'w'"}));
  options.wanted = Columns::kFeatures;
  for (const char* const text : {moved, "x,y\n7,b\n", "x\n7\n", "w,x\n,7\n"}) {
    const DatasetContent content = read(text, options);
    EXPECT_THAT(content.values, ElementsAre(7)) << text;
    EXPECT_THAT(content.sample_weights, IsEmpty());
  }
  options = {.training = options.training};
  testing::internal::CaptureStderr();
  EXPECT_THAT(read(moved, options).sample_weights, IsEmpty());
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("column 'w', the weights in the training, is left out"));
}

}  // namespace
}  // namespace lockstep
