#include <gmock/gmock.h>
#include <string>

#include "data_helpers.hpp"
#include "temporary_folder.hpp"
#include <gtest/gtest.h>

#include "lockstep/data/source.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::TemporaryFolder;
using testing::ElementsAre;

DataSource named(const std::string& name) {
  DataSource source;
  source.source = name;
  return source;
}

/// A folder with one image of 1 x 1 and its label in each part given.
void write_idx(const TemporaryFolder& folder, const std::string& stem, char label) {
  folder.write(stem + "-images-idx3-ubyte",
               std::string("\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01", 16) + "x");
  folder.write(stem + "-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x01", 8) + label);
}

class Source : public testing::Test {
 protected:
  DataSource csv(const std::string& training, const std::string& test) {
    DataSource source;
    source.source = folder_.write("train.csv", training).string();
    if (!test.empty()) source.test = folder_.write("test.csv", test).string();
    return source;
  }

  TemporaryFolder folder_;
};

TEST_F(Source, FashionMnistHasBothParts) {
  const SourceParts parts = read_source(named("fashion-mnist"));
  EXPECT_EQ(parts.training.description.samples, 60000);
  EXPECT_EQ(parts.training.description.classes, 10);
  ASSERT_TRUE(parts.test.has_value());
  EXPECT_EQ(parts.test->description.samples, 10000);
}

TEST_F(Source, SyntheticSetsHaveBothParts) {
  for (const std::string& name : synthetic_names()) {
    const SourceParts parts = read_source(named(name));
    ASSERT_TRUE(parts.test.has_value());
    EXPECT_NE(parts.training.values, parts.test->values);
    EXPECT_EQ(parts.training.description.classes, parts.test->description.classes);
  }
}

TEST_F(Source, FoldersMayLackTheTestPart) {
  write_idx(folder_, "train", 3);
  EXPECT_FALSE(read_source(named(folder_.path().string())).test.has_value());
  write_idx(folder_, "t10k", 2);
  const SourceParts parts = read_source(named(folder_.path().string()));
  ASSERT_TRUE(parts.test.has_value());
  EXPECT_EQ(parts.test->description.classes, 4) << "those of the training part";
  write_idx(folder_, "t10k", 4);
  EXPECT_TRUE(is_bad_input([&] { read_source(named(folder_.path().string())); }, {"label 4", "0 to 3"}));
}

TEST_F(Source, CsvTestPartIsAFileOfItsOwn) {
  EXPECT_FALSE(read_source(csv("1,a\n2,b\n", "")).test.has_value());
  const SourceParts parts = read_source(csv("1,a\n2,b\n", "3,b\n"));
  ASSERT_TRUE(parts.test.has_value());
  EXPECT_THAT(parts.test->labels, ElementsAre(1));
  EXPECT_EQ(parts.test->description.classes, 2);
}

TEST_F(Source, TestPartMustHaveTheFeaturesAndLabelsOfTheTrainingPart) {
  EXPECT_TRUE(is_bad_input([&] { read_source(csv("1,0\n", "1,2,0\n")); },
                           {"test.csv", "2 features", "train.csv", "of 1"}));
  EXPECT_TRUE(is_bad_input([&] { read_source(csv("1,a\n2,b\n", "1,c\n")); }, {"test.csv:1:", "'c'"}));
}

TEST_F(Source, TestPartMustHaveAsManyTargets) {
  // The name is a list in the second file.
  DataSource source = csv("x,\"a,b\"\n1,2\n", "x,a,b\n1,2,3\n");
  source.task = Task::kRegression;
  source.label = "a,b";
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"test.csv", "2 targets", "train.csv", "has 1"}));
}

TEST_F(Source, EvaluationTakesTheTestPartOrElseAll) {
  const auto samples = [](const DataSource& source, Index classes, const std::vector<std::string>& names) {
    return read_for_evaluation(source, classes, names).description.samples;
  };
  EXPECT_EQ(samples(csv("1,a\n2,b\n3,a\n", "3,b\n"), 2, {"a", "b"}), 1);
  EXPECT_EQ(samples(csv("1,a\n2,b\n3,a\n", ""), 2, {"a", "b"}), 3);
  EXPECT_EQ(samples(named("fashion-mnist"), 10, {}), 10000);
  EXPECT_EQ(samples(named("linear"), 0, {}), 1000);
}

TEST_F(Source, EvaluationRefusesDataOfOtherClasses) {
  EXPECT_TRUE(is_bad_input(
      [&] {
        read_for_evaluation(csv("1,c\n", ""), 2, {"a", "b"});
      },
      {"train.csv:1:", "'c'"}));
  EXPECT_TRUE(is_bad_input([&] { read_for_evaluation(named("blobs"), 10, {}); }, {"4 classes", "for 10"}));
  EXPECT_TRUE(is_bad_input([&] { read_for_evaluation(named("linear"), 10, {}); }, {"linear", "0 classes"}));
}

TEST_F(Source, NamesTheNearestAndAllForms) {
  EXPECT_TRUE(is_bad_input([&] { read_source(named("fashion-mnits")); },
                           {"data.source = fashion-mnits", "nearest name: fashion-mnist",
                            "fashion-mnist, blobs, linear, tags", "folder of IDX files", "FILE.csv"}));
  EXPECT_TRUE(is_bad_input([&] { read_source(named("")); }, {"data.source"}));
  EXPECT_TRUE(is_bad_input([&] { read_source(named("/no/such.csv")); }, {"/no/such.csv", "No such file"}));
}

TEST_F(Source, RefusesKeysWithoutEffect) {
  DataSource source = named("blobs");
  source.test = "test.csv";
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"data.test = test.csv", "CSV"}));
  source = named("linear");
  source.prefix = "emnist-";
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"data.prefix = emnist-", "IDX"}));
  source = named("blobs");
  source.task = Task::kRegression;
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"data.task = regression", "blobs"}));
  source.task = Task::kMultiLabel;
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"data.task = multi-label", "blobs"}));
}

}  // namespace
}  // namespace lockstep
