// Predictions for arrays and pictures that have no labels: those of the same pictures with labels.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "idx_files.hpp"
#include "npy_files.hpp"
#include "picture_writers.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

/// A model of pictures of 6 x 5 pixels, and what it predicts for the 20 that are there to test by.
class PredictUnlabelledTest : public testing::Test {
 protected:
  static constexpr int kPictures = 20;

  void SetUp() override {
    write_pictures(folder_);
    fs::create_directory(folder_.path() / "set");
    for (const std::string part : {"train", "t10k"}) {
      for (const std::string kind : {"-images-idx3-ubyte", "-labels-idx1-ubyte"}) {
        fs::copy(folder_.path() / (part + kind), folder_.path() / "set");
      }
    }
    const Outcome trained =
        run_lockstep(0,
                     {"train", "--run.dir", "run", "--data.source", "set", "--model.layers",
                      "flatten, linear auto", "--train.batch-size", "10", "--train.epochs", "2"},
                     folder_);
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    expected_ = predict(0, "set").out;
    ASSERT_EQ(lines_of(expected_).size(), kPictures + 1U);
    std::ifstream stream(folder_.path() / "t10k-images-idx3-ubyte", std::ios::binary);
    images_ = {std::istreambuf_iterator<char>(stream), {}};
    images_ = images_.substr(16);
  }

  Outcome predict(int ranks, const std::string& source) const {
    return run_lockstep(ranks, {"predict", "--weights", "run", "--data.source", source}, folder_);
  }

  /// Expects that all rank counts predict the same for `source`, with nothing on standard error; what.
  std::string predicted(const std::string& source) const {
    const Outcome alone = predict(0, source);
    for (const int ranks : {0, 1, 2, 3, 8}) {
      const Outcome outcome = ranks == 0 ? alone : predict(ranks, source);
      EXPECT_EQ(outcome.exit_code, 0) << ranks;
      EXPECT_EQ(outcome.err, "") << ranks;
      EXPECT_EQ(outcome.out, alone.out) << ranks;
    }
    return alone.out;
  }

  TemporaryFolder folder_;
  std::string images_;    // 6 x 5 bytes each
  std::string expected_;  // for them
};

TEST_F(PredictUnlabelledTest, AnArrayNeedsNoLabels) {
  folder_.write("new.npy", npy("|u1", "(20, 6, 5)", images_));
  EXPECT_EQ(predicted("new.npy"), expected_);
  folder_.write("turned.npy", npy("|u1", "(20, 5, 6)", images_));
  expect_one_line(predict(3, "turned.npy"), 2, "turned.npy: has samples of 5 x 6, the weights expect 6 x 5");
  folder_.write("cut.npy", npy("|u1", "(21, 6, 5)", images_));
  expect_one_line(predict(3, "cut.npy"), 2, "cut.npy: the header promises 630 bytes, but the file holds 600");
}

TEST_F(PredictUnlabelledTest, ImagesNeedNoLabels) {
  fs::remove(folder_.path() / "set/t10k-labels-idx1-ubyte");
  const Outcome outcome = predict(3, "set");
  expect_one_line(outcome, 0, "set: predicting its test part");
  EXPECT_EQ(outcome.out, expected_);
  fs::remove(folder_.path() / "set/train-images-idx3-ubyte");
  EXPECT_EQ(predict(2, "set").out, expected_);
}

TEST_F(PredictUnlabelledTest, PicturesNeedNoClassesAndHaveTheNameOfTheirFile) {
  const auto name_of = [](int picture) {
    return fmt::format("{}/{:02}{}.png", picture < 7 ? "a b" : "c", picture, picture == 3 ? ",\"3\"" : "");
  };
  fs::create_directories(folder_.path() / "new/a b");
  fs::create_directories(folder_.path() / "new/c");
  for (int picture = 0; picture < kPictures; ++picture) {
    const std::string values = images_.substr(static_cast<std::size_t>(picture) * 30, 30);
    folder_.write("new/" + name_of(picture), plain_png(6, 5, {values.begin(), values.end()}));
  }
  std::vector<std::string> named = lines_of(expected_);
  named.front().replace(0, 3, "file");
  for (int picture = 0; picture < kPictures; ++picture) {
    std::string& line = named[static_cast<std::size_t>(picture) + 1];
    const std::string field = picture == 3 ? "\"a b/03,\"\"3\"\".png\"" : name_of(picture);
    line.replace(0, line.find(','), field);
  }
  EXPECT_EQ(lines_of(predicted("new")), named);
  EXPECT_EQ(lines_of(predicted("new/c/19.png")).back(), named.back().substr(2));
}

TEST_F(PredictUnlabelledTest, WhatIsNoPictureIsNamed) {
  fs::create_directory(folder_.path() / "new");
  expect_one_line(predict(2, "new"), 2, "new: no training images");
  folder_.write("new/notes.txt", "text");
  expect_one_line(predict(2, "new"), 2, "new: no training images");
  fs::remove(folder_.path() / "new/notes.txt");
  folder_.write("new/1.png", "text");
  expect_one_line(predict(3, "new"), 2, "new/1.png: begins with 0x74657874");
  expect_one_line(predict(3, "none.jpg"), 2, "none.jpg: cannot read this file");
}

}  // namespace
}  // namespace lockstep::test
