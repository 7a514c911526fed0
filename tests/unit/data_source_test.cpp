#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <string>
#include <utility>
#include <zlib.h>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/source.hpp"
#include "temporary_folder.hpp"

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

/// What the weights say of the data they were trained on.
DatasetDescription trained(Index classes, const std::vector<std::string>& class_names = {}) {
  DatasetDescription description;
  description.task = classes > 0 ? Task::kClassification : Task::kRegression;
  description.classes = classes;
  description.class_names = class_names;
  return description;
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

TEST_F(Source, FoldersMayHoldTheFilesOfCifar) {
  const std::string pixels(3072, 'x');
  const DataSource source = named(folder_.path().string());
  folder_.write("train.bin", "\x01\x05" + pixels + "\x02\x07" + pixels);
  EXPECT_FALSE(has_test_part(source));
  EXPECT_EQ(read_for_evaluation(source, trained(100), Part::kTraining).description.samples, 2);
  folder_.write("test.bin", "\x03\x04" + pixels);
  EXPECT_TRUE(has_test_part(source));
  const SourceParts parts = read_source(source);
  EXPECT_THAT(parts.training.labels, ElementsAre(5, 7));
  ASSERT_TRUE(parts.test.has_value());
  EXPECT_THAT(parts.test->labels, ElementsAre(4));
  EXPECT_EQ(read_for_evaluation(source, trained(100), Part::kTest).description.samples, 1);
  EXPECT_TRUE(is_bad_input([&] { read_for_evaluation(source, trained(10), Part::kTest); },
                           {"100 classes", "for 10"}));
  DataSource with_prefix = source;
  with_prefix.prefix = "emnist-";
  EXPECT_TRUE(is_bad_input([&] { read_source(with_prefix); }, {"`prefix`", "only for folders of IDX files"}));
}

TEST_F(Source, FoldersHoldOneFormOfData) {
  const DataSource source = named(folder_.path().string());
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {folder_.path().string(), "train-images-idx3-ubyte",
                                                          "data_batch_1.bin", "CIFAR"}));
  folder_.write("test_batch.bin", std::string(3073, '\0'));
  write_idx(folder_, "train", 3);
  EXPECT_TRUE(is_bad_input([&] { read_source(source); },
                           {folder_.path().string(), "IDX files and those of CIFAR", "move the other away"}));
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
                           {"test.csv", "2 columns", "training data 1"}));
  EXPECT_TRUE(is_bad_input([&] { read_source(csv("1,a\n2,b\n", "1,c\n")); }, {"test.csv:1:", "'c'"}));
}

TEST_F(Source, TestPartMustHaveAsManyTargets) {
  // The name is a list in the second file.
  DataSource source = csv("x,\"a,b\"\n1,2\n", "x,a,b\n1,2,3\n");
  source.task = Task::kRegression;
  source.csv.label = "a,b";
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"test.csv", "2 targets", "train.csv", "has 1"}));
}

TEST_F(Source, EvaluationIsOfThePartThatIsAskedFor) {
  const auto samples = [](const DataSource& source, const DatasetDescription& training, Part part) {
    return read_for_evaluation(source, training, part).description.samples;
  };
  const DatasetDescription two = trained(2, {"a", "b"});
  EXPECT_EQ(samples(csv("1,a\n2,b\n3,a\n", "3,b\n"), two, Part::kTest), 1);
  EXPECT_EQ(samples(csv("1,a\n2,b\n3,a\n", "3,b\n"), two, Part::kTraining), 3);
  EXPECT_EQ(samples(named("fashion-mnist"), trained(10), Part::kTest), 10000);
  EXPECT_EQ(samples(named("linear"), trained(0), Part::kTraining), 1000);
}

TEST_F(Source, PredictionIsOfATableOrElseOfTheTestPart) {
  DatasetDescription training = trained(2, {"a", "b"});
  training.feature_shape = {1};
  const DatasetContent table = read_for_prediction(csv("1\n2\n3\n", ""), training);
  EXPECT_THAT(table.values, ElementsAre(1, 2, 3));
  const DataSource folder = named(folder_.path().string());
  folder_.write("train.bin", "\x01\x05" + std::string(3072, 'x'));
  const auto read = [&] {
    testing::internal::CaptureStderr();
    EXPECT_EQ(read_for_prediction(folder, trained(100)).description.samples, 1);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(read(), testing::HasSubstr("predicting its training part"));
  folder_.write("test.bin", "\x03\x04" + std::string(3072, 'x'));
  EXPECT_THAT(read(), testing::HasSubstr("predicting its test part"));
}

TEST_F(Source, EvaluationRefusesDataOfOtherClasses) {
  EXPECT_TRUE(is_bad_input(
      [&] {
        read_for_evaluation(csv("1,c\n", ""), trained(2, {"a", "b"}), Part::kTraining);
      },
      {"train.csv:1:", "'c'"}));
  EXPECT_TRUE(is_bad_input([&] { read_for_evaluation(named("blobs"), trained(10), Part::kTest); },
                           {"4 classes", "for 10"}));
  EXPECT_TRUE(is_bad_input([&] { read_for_evaluation(named("linear"), trained(10), Part::kTest); },
                           {"linear", "0 classes"}));
}

TEST_F(Source, NamesTheNearestAndAllForms) {
  EXPECT_TRUE(is_bad_input(
      [&] { read_source(named("fashion-mnits")); },
      {"`source` = fashion-mnits", "did you mean 'fashion-mnist'?", "fashion-mnist, blobs, linear, tags",
       "folder of IDX, CIFAR or NPY files or of pictures", "FILE.csv", "FILE.npz"}));
  EXPECT_TRUE(is_bad_input([&] { read_source(named("")); }, {"`source`"}));
  EXPECT_TRUE(is_bad_input([&] { read_source(named("/no/such.csv")); }, {"/no/such.csv", "No such file"}));
}

TEST_F(Source, ReadsTablesWhateverTheirName) {
  const std::string text = "a,b,y\n1,2,0\n2,1,1\n";
  for (const std::string name : {"iris.data", "table.tsv", "table", "table.CSV"}) {
    EXPECT_EQ(read_source(named(folder_.write(name, text).string())).training.description.samples, 2) << name;
  }
  const std::string path = (folder_.path() / "table.csv.gz").string();
  gzFile file = gzopen(path.c_str(), "wb");
  gzputs(file, text.c_str());
  gzclose(file);
  EXPECT_EQ(read_source(named(path)).training.description.samples, 2);
  std::ifstream compressed(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(compressed)), std::istreambuf_iterator<char>());
  const std::string half = folder_.write("half.csv.gz", whole.substr(0, whole.size() / 2)).string();
  EXPECT_TRUE(is_bad_input([&] { read_source(named(half)); }, {"half.csv.gz", "truncated"}));
  EXPECT_TRUE(
      is_bad_input([&] { read_source(named("./no/such.data")); }, {"`source` = ./no/such.data: no such"}));
}

TEST_F(Source, TestPartHasTheOrderOfTheTrainingPart) {
  DataSource source = csv("a,b,y\n1,2,0\n3,4,1\n", "y,b,a\n1,20,10\n");
  const SourceParts parts = read_source(source);
  EXPECT_THAT(parts.test->values, ElementsAre(10, 20));
  EXPECT_THAT(parts.test->labels, ElementsAre(1));
}

TEST_F(Source, WarnsWhereOnePartHasNamesAlone) {
  for (const auto& [training, test] :
       {std::pair("a,b,y\n1,2,0\n3,4,1\n", "7,8,0\n"), {"1,2,0\n3,4,1\n", "a,b,y\n7,8,0\n"}}) {
    testing::internal::CaptureStderr();
    EXPECT_THAT(read_source(csv(training, test)).test->values, ElementsAre(7, 8));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("taken by position"));
  }
}

TEST_F(Source, RefusesKeysWithoutEffect) {
  DataSource source = named("blobs");
  source.test = "test.csv";
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"`test`: has an effect only for CSV files"}));
  source = named("linear");
  source.prefix = "emnist-";
  EXPECT_TRUE(
      is_bad_input([&] { read_source(source); }, {"`prefix`: has an effect only for folders of IDX files"}));
  source = named("blobs");
  source.transpose = true;
  EXPECT_TRUE(
      is_bad_input([&] { read_source(source); }, {"`transpose`: has an effect only for folders of IDX"}));
  source = named("blobs");
  source.task = Task::kRegression;
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"`task` = regression", "blobs"}));
  source.task = Task::kMultiLabel;
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"`task` = multi-label", "blobs"}));
}

}  // namespace
}  // namespace lockstep
