#include <algorithm>
#include <cstdint>
#include <gmock/gmock.h>
#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "gzip.hpp"
#include "idx_files.hpp"
#include "lockstep/data/idx.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::gzip;
using test::idx_header;
using test::is_bad_input;
using test::TemporaryFolder;
using testing::ElementsAre;

constexpr const char* kImages = "train-images-idx3-ubyte";
constexpr const char* kLabels = "train-labels-idx1-ubyte";

std::string bytes(std::initializer_list<int> values) { return {values.begin(), values.end()}; }

std::string images() { return idx_header({2, 1, 3}) + bytes({0, 1, 2, 253, 254, 255}); }
std::string labels() { return idx_header({2}) + bytes({4, 1}); }

class Idx : public testing::Test {
 protected:
  DatasetContent read(Part part = Part::kTraining, const std::string& prefix = "", Index classes = 0) {
    return read_idx(folder_.path(), part, prefix, classes);
  }

  testing::AssertionResult fails(const std::vector<std::string>& fragments, const std::string& prefix = "") {
    return is_bad_input([&] { read(Part::kTraining, prefix); }, fragments);
  }

  void expect_two_images(const DatasetContent& content) {
    EXPECT_EQ(content.description.samples, 2);
    EXPECT_THAT(content.description.feature_shape, ElementsAre(1, 3));
    EXPECT_EQ(content.description.classes, 5);
    EXPECT_EQ(content.description.storage, Storage::kBytes);
    EXPECT_THAT(content.bytes, ElementsAre(0, 1, 2, 253, 254, 255));
    EXPECT_THAT(content.labels, ElementsAre(4, 1));
  }

  TemporaryFolder folder_;
};

TEST_F(Idx, ReadsPlainFiles) {
  folder_.write(kImages, images());
  folder_.write(kLabels, labels());
  expect_two_images(read());
}

TEST_F(Idx, ReadsGzipFiles) {
  folder_.write(std::string(kImages) + ".gz", gzip(images()));
  folder_.write(std::string(kLabels) + ".gz", gzip(labels()));
  expect_two_images(read());
}

TEST_F(Idx, ReadsNamesWithADot) {
  folder_.write("train-images.idx3-ubyte", images());
  folder_.write("train-labels.idx1-ubyte.gz", gzip(labels()));
  expect_two_images(read());
}

TEST_F(Idx, ReadsBothNamesOfTheTestPart) {
  for (const std::string stem : {"t10k", "test"}) {
    const TemporaryFolder folder;
    EXPECT_FALSE(has_idx_part(folder.path(), Part::kTest, ""));
    folder.write(stem + "-images-idx3-ubyte", images());
    folder.write(stem + "-labels-idx1-ubyte", labels());
    EXPECT_TRUE(has_idx_part(folder.path(), Part::kTest, ""));
    EXPECT_FALSE(has_idx_part(folder.path(), Part::kTraining, ""));
    expect_two_images(read_idx(folder.path(), Part::kTest, "", 0));
  }
}

TEST_F(Idx, FindsAPrefixWhereThereIsOnlyOne) {
  folder_.write("emnist-letters-train-images-idx3-ubyte", images());
  folder_.write("emnist-letters-train-labels-idx1-ubyte", labels());
  expect_two_images(read());
  expect_two_images(read(Part::kTraining, "emnist-letters-"));
  EXPECT_TRUE(has_idx_part(folder_.path(), Part::kTraining, "emnist-letters-"));
  EXPECT_FALSE(has_idx_part(folder_.path(), Part::kTraining, "emnist-digits-"));
}

TEST_F(Idx, AsksForThePrefixWhereThereAreSeveral) {
  for (const std::string prefix : {"emnist-letters-", "emnist-digits-"}) {
    folder_.write(prefix + kImages, images());
    folder_.write(prefix + kLabels, labels());
  }
  EXPECT_TRUE(fails({"`prefix`", "emnist-letters-", "emnist-digits-"}));
  expect_two_images(read(Part::kTraining, "emnist-digits-"));
  EXPECT_TRUE(
      fails({"emnist-balanced-train-images-idx3-ubyte", "`prefix`", "'emnist-digits-'"}, "emnist-balanced-"));
}

TEST_F(Idx, NeverMixesPartsOfDifferentSets) {
  folder_.write("a-train-images-idx3-ubyte", images());
  folder_.write("a-train-labels-idx1-ubyte", labels());
  folder_.write("b-test-images-idx3-ubyte", images());
  folder_.write("b-test-labels-idx1-ubyte", labels());
  EXPECT_TRUE(fails({"`prefix`", "a-, b-"}));
  EXPECT_FALSE(has_idx_part(folder_.path(), Part::kTest, "a-"));
}

TEST_F(Idx, EmptyPrefixMeansFilesWithoutOneWhereThereAreSuch) {
  folder_.write(kImages, images());
  folder_.write(kLabels, labels());
  folder_.write(std::string("other-") + kImages, "rubbish");
  expect_two_images(read());
}

TEST_F(Idx, LettersFrom1To26Make27Classes) {
  folder_.write(kImages, idx_header({26, 1, 1}) + std::string(26, 'x'));
  std::string letters = idx_header({26});
  for (char label = 1; label <= 26; ++label) letters.push_back(label);
  folder_.write(kLabels, letters);
  EXPECT_EQ(read().description.classes, 27);
}

TEST_F(Idx, ReadsFashionMnist) {
  const std::filesystem::path folder = "/usr/share/datasets/fashion-mnist";
  const DatasetContent test = read_idx(folder, Part::kTest, "", 10);
  EXPECT_EQ(test.description.samples, 10000);
  EXPECT_THAT(test.description.feature_shape, ElementsAre(28, 28));
  EXPECT_EQ(test.bytes.size(), 10000U * 784U);
  for (std::int32_t label = 0; label < 10; ++label) {
    EXPECT_EQ(std::count(test.labels.begin(), test.labels.end(), label), 1000);
  }
  EXPECT_EQ(test.labels.front(), 9);  // an ankle boot
}

TEST_F(Idx, ImagesOfFourDimensionsHaveChannels) {
  // One image of 5 x 6: what stands in a place tells channel, row and column.
  const auto value = [](int channel, int row, int column) { return 50 * channel + 6 * row + column; };
  std::string first;
  std::string last;
  std::vector<std::uint8_t> in_order;
  for (int channel = 0; channel < 3; ++channel) {
    for (int place = 0; place < 30; ++place) {
      first.push_back(static_cast<char>(value(channel, place / 6, place % 6)));
    }
  }
  for (int place = 0; place < 30; ++place) {
    for (int channel = 0; channel < 3; ++channel) {
      in_order.push_back(static_cast<std::uint8_t>(value(channel, place / 6, place % 6)));
      last.push_back(static_cast<char>(in_order.back()));
    }
  }
  const std::vector<std::pair<std::string, std::string>> files = {
      {"train-images-idx4-ubyte", idx_header({1, 3, 5, 6}) + first},
      {"train-images.idx4-ubyte.gz", gzip(idx_header({1, 5, 6, 3}) + last)}};
  for (const auto& [name, content] : files) {
    const TemporaryFolder folder;
    folder.write(name, content);
    folder.write(kLabels, idx_header({1}) + bytes({0}));
    const DatasetContent read = read_idx(folder.path(), Part::kTraining, "", 0);
    EXPECT_THAT(read.description.feature_shape, ElementsAre(3, 5, 6)) << name;
    EXPECT_EQ(read.bytes, in_order) << name;
  }
}

TEST_F(Idx, OneChannelIsGrey) {
  folder_.write(kImages, idx_header({1, 1, 5, 6}) + std::string(30, 'x'));
  folder_.write(kLabels, idx_header({1}) + bytes({0}));
  EXPECT_THAT(read().description.feature_shape, ElementsAre(5, 6));
}

TEST_F(Idx, RefusesChannelsThatCannotBeTold) {
  folder_.write(kLabels, idx_header({1}) + bytes({0}));
  folder_.write(kImages, idx_header({1, 3, 5, 4}) + std::string(60, 'x'));
  EXPECT_TRUE(fails({kImages, "pictures of 3 x 5 x 4 values", "1 to 4 channels", "not as both"}));
  folder_.write(kImages, idx_header({1, 5, 3, 5}) + std::string(75, 'x'));
  EXPECT_TRUE(fails({kImages, "pictures of 5 x 3 x 5 values", "not as neither"}));
}

TEST_F(Idx, Transposes) {
  folder_.write(kImages, idx_header({2, 2, 3}) + bytes({0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}));
  folder_.write(kLabels, labels());
  const DatasetContent content = read_idx(folder_.path(), Part::kTraining, "", 0, true);
  EXPECT_THAT(content.description.feature_shape, ElementsAre(3, 2));
  EXPECT_THAT(content.bytes, ElementsAre(0, 3, 1, 4, 2, 5, 10, 13, 11, 14, 12, 15));
}

TEST_F(Idx, TransposesTheRowsAndColumnsOfEveryChannel) {
  std::string values;
  for (int value = 0; value < 2 * 5 * 6; ++value) values.push_back(static_cast<char>(value));
  folder_.write(kImages, idx_header({1, 2, 5, 6}) + values);
  folder_.write(kLabels, idx_header({1}) + bytes({0}));
  const DatasetContent content = read_idx(folder_.path(), Part::kTraining, "", 0, true);
  EXPECT_THAT(content.description.feature_shape, ElementsAre(2, 6, 5));
  ASSERT_EQ(content.bytes.size(), 60U);
  // Row 2, column 3, channel 1 of the result was row 3, column 2.
  EXPECT_EQ(content.bytes[(2 * 5 + 3) * 2 + 1], 30 + 3 * 6 + 2);
}

TEST_F(Idx, NamesWhatIsMissing) {
  EXPECT_TRUE(fails({"training images", kImages, "train-images.idx3-ubyte", ".gz", "`source`"}));
  folder_.write(kImages, images());
  EXPECT_TRUE(fails({"training labels", kLabels}));
  EXPECT_TRUE(
      is_bad_input([&] { read(Part::kTest); }, {"test images", "t10k-images-idx3-ubyte", "test-images"}));
  EXPECT_TRUE(is_bad_input([&] { read_idx(folder_.path() / "no", Part::kTraining, "", 0); },
                           {"`source`", "/no", "No such file"}));
}

TEST_F(Idx, RefusesTwoTestParts) {
  for (const std::string stem : {"t10k", "test"}) folder_.write(stem + "-images-idx3-ubyte", images());
  EXPECT_TRUE(
      is_bad_input([&] { read(Part::kTest); }, {"both t10k-images-idx3-ubyte and test-images-idx3-ubyte"}));
}

TEST_F(Idx, RefusesLabelsOutsideTheClasses) {
  folder_.write(kImages, images());
  folder_.write(kLabels, labels());
  EXPECT_TRUE(
      is_bad_input([&] { read(Part::kTraining, "", 4); }, {kLabels, "label 4 of sample 0", "0 to 3"}));
  EXPECT_EQ(read(Part::kTraining, "", 10).description.classes, 10);
}

TEST_F(Idx, RefusesCountsThatDisagree) {
  folder_.write(kImages, images());
  folder_.write(kLabels, idx_header({3}) + bytes({4, 1, 0}));
  EXPECT_TRUE(fails({"counts disagree", "2 images", "3 labels", kImages, kLabels}));
}

/// A bad image file beside good labels, plain and gzip.
class BadIdx : public Idx {
 protected:
  testing::AssertionResult both_fail(const std::string& content, const std::vector<std::string>& fragments) {
    folder_.write(kLabels, labels());
    folder_.write(kImages, content);
    if (auto plain = fails(fragments); !plain) return plain << " (plain)";
    folder_.write(kImages, gzip(content));
    if (auto packed = fails(fragments); !packed) return packed << " (gzip)";
    return testing::AssertionSuccess();
  }
};

TEST_F(BadIdx, RefusesWrongMagicNumbers) {
  EXPECT_TRUE(both_fail("PNG and so on and so on", {kImages, "magic", "0x504e4720", "0x00000803"}));
  EXPECT_TRUE(both_fail(idx_header({2, 1, 3}, 0x0D) + std::string(24, 'x'), {kImages, "0x0d", "0x08"}));
  EXPECT_TRUE(both_fail(idx_header({20}) + std::string(20, 'x'),
                        {"magic", "1 dimensions, expected 3 or 4", "exchanged"}));
}

TEST_F(BadIdx, RefusesTruncatedHeaders) {
  EXPECT_TRUE(both_fail("", {kImages, "truncated", "0 bytes"}));
  EXPECT_TRUE(both_fail(images().substr(0, 15), {kImages, "truncated", "15 bytes", "16"}));
}

TEST_F(BadIdx, RefusesMoreOrFewerBytesThanPromised) {
  EXPECT_TRUE(both_fail(images().substr(0, 21), {kImages, "counts disagree", "2 x 1 x 3", "holds 5"}));
  EXPECT_TRUE(both_fail(images() + "x", {kImages, "counts disagree", "2 x 1 x 3"}));
  EXPECT_TRUE(both_fail(idx_header({0, 28, 28}), {kImages, "empty", "0 x 28 x 28"}));
}

TEST_F(BadIdx, RefusesImpossibleSizesAtOnce) {
  // 2^40 bytes; 2^96 bytes, which are 0 modulo 2^64; 2^64 + 6 bytes, which are 6 modulo 2^64.
  const std::vector<std::vector<std::uint32_t>> claims = {
      {1U << 20U, 1U << 10U, 1U << 10U}, {1U << 31U, 1U << 31U, 1U << 31U}, {2U, 0xFFFFFFFFU, 0x80000001U}};
  for (const auto& sizes : claims) {
    EXPECT_TRUE(both_fail(idx_header(sizes) + bytes({0, 1, 2, 3, 4, 5}), {kImages, "counts disagree"}));
  }
}

TEST_F(BadIdx, RefusesDamagedGzipFiles) {
  folder_.write(kLabels, labels());
  // Large enough that neither the header nor the first megabyte suffers.
  std::string pixels(2 << 20U, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(i * i >> 7U);
  const std::string good = gzip(idx_header({2, 1024, 1024}) + pixels);
  folder_.write(kImages, good);
  EXPECT_EQ(read().bytes.size(), pixels.size());

  folder_.write(kImages, good.substr(0, good.size() / 2));
  EXPECT_TRUE(fails({kImages, "truncated"}));
  folder_.write(kImages, good.substr(0, good.size() - 1));
  EXPECT_TRUE(fails({kImages, "truncated"}));
  folder_.write(kImages, good.substr(0, good.size() - 8));
  EXPECT_TRUE(fails({kImages, "truncated"}));

  std::string wrong_checksum = good;
  wrong_checksum[good.size() - 8] ^= 1;
  folder_.write(kImages, wrong_checksum);
  EXPECT_TRUE(fails({kImages, "corrupt"}));
}

TEST_F(BadIdx, RefusesFilesThatCannotBeRead) {
  folder_.write(kLabels, labels());
  std::filesystem::create_symlink("nowhere", folder_.path() / kImages);
  EXPECT_TRUE(fails({kImages, "cannot read"}));
}

}  // namespace
}  // namespace lockstep
