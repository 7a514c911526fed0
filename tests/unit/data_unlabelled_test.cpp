// What is read for a prediction of data without labels: arrays, IDX images and pictures.

#include <filesystem>
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "idx_files.hpp"
#include "lockstep/data/source.hpp"
#include "npy_files.hpp"
#include "picture_writers.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::idx_header;
using test::is_bad_input;
using test::npy;
using test::plain_png;
using test::raw;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Unlabelled : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, content);
  }

  /// A model of two classes that was trained on grey pictures of 1 x 2 pixels.
  DatasetDescription trained(std::vector<Index> shape = {1, 2}) const {
    return {.samples = 9, .feature_shape = std::move(shape), .classes = 2, .class_names = {"a", "b"}};
  }

  DatasetContent read(const std::string& source, const DatasetDescription& training) {
    DataSource from;
    from.source = (folder_.path() / source).string();
    return read_for_prediction(from, training);
  }
  DatasetContent read(const std::string& source) { return read(source, trained()); }

  void expect_unlabelled(const DatasetContent& content, Index samples) {
    EXPECT_EQ(content.description.samples, samples);
    EXPECT_EQ(content.description.targets, 0);
    EXPECT_EQ(content.description.classes, 2);
    EXPECT_THAT(content.description.class_names, ElementsAre("a", "b"));
    EXPECT_THAT(content.labels, IsEmpty());
    EXPECT_EQ(make_dataset(content).size(), samples);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Unlabelled, AnArrayOfAnyNameIsEnough) {
  write("new.npy", npy("|u1", "(2, 1, 2)", raw<std::uint8_t>({1, 2, 3, 4})));
  const DatasetContent content = read("new.npy");
  expect_unlabelled(content, 2);
  EXPECT_THAT(content.bytes, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(content.description.feature_shape, ElementsAre(1, 2));
  EXPECT_THAT(content.description.sample_names, IsEmpty());
  DataSource source;
  source.source = (folder_.path() / "new.npy").string();
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"new.npy: no array x_train", "it holds new"}));
}

TEST_F(Unlabelled, ArraysOfAFolderAreXWithoutY) {
  write("set/x.npy", npy("<f4", "(1, 2)", raw<float>({5, 6})));
  EXPECT_THAT(read("set", trained({2})).values, ElementsAre(5, 6));
  write("set/x_test.npy", npy("<f4", "(1, 2)", raw<float>({7, 8})));
  testing::internal::CaptureStderr();
  const DatasetContent content = read("set", trained({2}));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("predicting its test part"));
  expect_unlabelled(content, 1);
  EXPECT_THAT(content.values, ElementsAre(7, 8));
}

TEST_F(Unlabelled, WithLabelsEverythingIsAsForAnEvaluation) {
  write("set/x_test.npy", npy("<f4", "(1, 2)", raw<float>({7, 8})));
  write("set/y_test.npy", npy("|u1", "(1,)", raw<std::uint8_t>({1})));
  EXPECT_THAT(read("set", trained({2})).labels, ElementsAre(1));
  write("set/y_test.npy", npy("|u1", "(1,)", raw<std::uint8_t>({2})));
  EXPECT_TRUE(is_bad_input([&] { read("set", trained({2})); }, {"label 2 of sample 0"}));
}

TEST_F(Unlabelled, IdxImagesAreTransposedIfThoseOfTheTrainingWere) {
  write("set/t10k-images-idx3-ubyte", idx_header({1, 2, 2}) + "\1\2\3\4");
  DatasetDescription training = trained({2, 2});
  const DatasetContent content = read("set", training);
  expect_unlabelled(content, 1);
  EXPECT_THAT(content.bytes, ElementsAre(1, 2, 3, 4));
  training.transposed = true;
  EXPECT_THAT(read("set", training).bytes, ElementsAre(1, 3, 2, 4));
  write("set/t10k-labels-idx1-ubyte", idx_header({1}) + "\1");
  EXPECT_THAT(read("set", training).labels, ElementsAre(1));
}

TEST_F(Unlabelled, PicturesComeInTheOrderOfTheirPaths) {
  write("new/b.png", plain_png(1, 2, {5, 6}));
  write("new/day 2/x.JPG", plain_png(1, 2, {7, 8}));
  write("new/day 2/deep/a.png", plain_png(1, 2, {9, 10}));
  write("new/a.jpeg", plain_png(1, 2, {3, 4}));
  write("new/.hidden.png", plain_png(1, 2, {0, 0}));
  testing::internal::CaptureStderr();
  const DatasetContent content = read("new");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("new: 1 file is left alone: hidden, no files"));
  expect_unlabelled(content, 4);
  EXPECT_THAT(content.description.sample_names,
              ElementsAre("a.jpeg", "b.png", "day 2/deep/a.png", "day 2/x.JPG"));
  EXPECT_THAT(make_dataset(content).bytes(), ElementsAre(3, 4, 5, 6, 9, 10, 7, 8));
  EXPECT_THAT(read("new/").description.sample_names, content.description.sample_names);
}

TEST_F(Unlabelled, PicturesHaveSizeAndColourOfTheTraining) {
  write("one.png", plain_png(2, 4, {10, 10, 30, 30, 10, 10, 30, 30}));
  DatasetContent content = read("one.png");
  expect_unlabelled(content, 1);
  EXPECT_THAT(content.description.sample_names, ElementsAre("one.png"));
  EXPECT_THAT(content.description.feature_shape, ElementsAre(1, 2));
  content = read("one.png", trained({3, 1, 1}));
  EXPECT_THAT(make_dataset(content).bytes(), ElementsAre(20, 20, 20)) << "the mean of all pixels";
}

TEST_F(Unlabelled, AFolderOfAClassMakesPicturesLabelled) {
  write("new/a/1.png", plain_png(1, 2, {1, 2}));
  write("new/2.png", plain_png(1, 2, {3, 4}));
  const DatasetContent content = read("new");
  EXPECT_THAT(content.labels, ElementsAre(0));
  EXPECT_THAT(content.description.sample_names, IsEmpty());
  write("new/c/1.png", plain_png(1, 2, {1, 2}));
  EXPECT_TRUE(is_bad_input([&] { read("new"); }, {"new/c: no class of the training part"}));
}

TEST_F(Unlabelled, NamesWhatIsMissing) {
  std::filesystem::create_directory(folder_.path() / "empty");
  EXPECT_TRUE(is_bad_input([&] { read("empty"); }, {"empty: no training images"}));
  EXPECT_TRUE(is_bad_input([&] { read("no.npy"); }, {"no.npy: cannot read", "No such file"}));
  EXPECT_TRUE(is_bad_input([&] { make_dataset(read("no.png")); }, {"no.png: cannot read", "No such file"}));
  write("text.png", "text");
  EXPECT_TRUE(is_bad_input([&] { make_dataset(read("text.png")); }, {"text.png: begins with 0x74657874"}));
}

}  // namespace
}  // namespace lockstep
