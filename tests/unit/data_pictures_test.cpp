// Folders of pictures: what is found in them, and what the pictures become.

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <string>
#include <sys/stat.h>
#include <zlib.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/pixels.hpp"
#include "data_helpers.hpp"
#include "lockstep/data/picture_folder.hpp"
#include "lockstep/data/source.hpp"
#include "picture_writers.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

using test::Bytes;
using test::is_bad_input;
using test::jpeg;
using test::plain_png;
using test::png;
using test::TemporaryFolder;
using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

class Pictures : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) {
    fs::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, content);
  }

  /// A grey picture of one pixel.
  void write_pixel(const std::string& name, std::uint8_t value) { write(name, plain_png(1, 1, {value})); }

  DataSource source(const PictureOptions& options = {}) {
    DataSource source;
    source.source = folder_.path().string();
    source.pictures = options;
    return source;
  }

  Dataset training(const PictureOptions& options = {}) {
    return make_dataset(read_source(source(options)).training);
  }

  /// The values of the only picture there is, whose file holds `content`.
  Bytes decoded(const std::string& content, const PictureOptions& options = {}) {
    write("class/picture.png", content);
    const Dataset data = training(options);
    return {data.bytes().begin(), data.bytes().end()};
  }

  testing::AssertionResult fails(const std::vector<std::string>& fragments,
                                 const PictureOptions& options = {}) {
    return is_bad_input([&] { training(options); }, fragments);
  }

  TemporaryFolder folder_;
};

TEST_F(Pictures, AreOfTheClassesThatTheirFoldersName) {
  write_pixel("dog/2.png", 4);
  write_pixel("dog/10.PNG", 3);
  write_pixel("cat/deep/z.png", 2);
  write_pixel("cat/a.png", 1);
  write("bird/x.JPG", jpeg(1, 1, {0}, JCS_GRAYSCALE, 1));
  const SourceParts parts = read_source(source());
  EXPECT_FALSE(parts.test.has_value());
  const DatasetDescription& description = parts.training.description;
  EXPECT_EQ(description.name, folder_.path().string());
  EXPECT_EQ(description.task, Task::kClassification);
  EXPECT_EQ(description.storage, Storage::kBytes);
  EXPECT_EQ(description.samples, 5);
  EXPECT_THAT(description.feature_shape, ElementsAre(1, 1));
  EXPECT_EQ(description.classes, 3);
  EXPECT_THAT(description.class_names, ElementsAre("bird", "cat", "dog"));
  const Dataset data = make_dataset(parts.training);
  EXPECT_THAT(data.labels(), ElementsAre(0, 1, 1, 2, 2));
  EXPECT_THAT(data.bytes(), ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(Pictures, AreTheSameSetAsTheirBytes) {
  write_pixel("a/1.png", 7);
  write_pixel("b/1.png", 9);
  DatasetContent content;
  content.description = {
      .name = "elsewhere", .samples = 2, .feature_shape = {1, 1}, .classes = 2, .class_names = {"a", "b"}};
  content.bytes = {7, 9};
  content.labels = {0, 1};
  EXPECT_EQ(digest(training()), digest(make_dataset(content)));
}

TEST_F(Pictures, MayHaveATestPart) {
  write_pixel("train/a/1.png", 1);
  write_pixel("train/b/1.png", 2);
  write_pixel("test/b/1.png", 3);
  EXPECT_TRUE(has_test_part(source()));
  const SourceParts parts = read_source(source());
  ASSERT_TRUE(parts.test.has_value());
  EXPECT_THAT(parts.training.description.class_names, ElementsAre("a", "b"));
  EXPECT_THAT(parts.test->description.class_names, ElementsAre("a", "b")) << "those of the training part";
  EXPECT_THAT(parts.test->labels, ElementsAre(1));
  EXPECT_THAT(make_dataset(*parts.test).bytes(), ElementsAre(3));
  EXPECT_EQ(read_for_evaluation(source(), parts.training.description, Part::kTest).description.samples, 1);

  write_pixel("test/c/1.png", 3);
  EXPECT_TRUE(fails({"test/c: no class of the training part", "a, b", "move the folder away"}));
}

TEST_F(Pictures, AreResizedForAnEvaluationToTheSizeOfTheTraining) {
  write_pixel("a/1.png", 7);
  write_pixel("b/1.png", 9);
  const DatasetDescription trained{
      .samples = 9, .feature_shape = {2, 3}, .classes = 2, .class_names = {"a", "b"}};
  const DatasetContent content = read_for_evaluation(source(), trained, Part::kTraining);
  EXPECT_THAT(content.description.feature_shape, ElementsAre(2, 3));
  EXPECT_THAT(make_dataset(content).bytes(), ElementsAre(7, 7, 7, 7, 7, 7, 9, 9, 9, 9, 9, 9));
}

TEST_F(Pictures, InPartsOfOtherNamesAreRefused) {
  for (const std::string part : {"Train", "Test"}) {
    write_pixel(part + "/a/1.png", 1);
    write_pixel(part + "/b/1.png", 2);
  }
  EXPECT_TRUE(fails({"all of Test, Train hold the folders a, b", "expected", "`train`", "`test`", "rename"}));
}

TEST_F(Pictures, OfAPartHaveClassFolders) {
  write_pixel("train/a/1.png", 1);
  write_pixel("train/b/1.png", 2);
  write_pixel("test/1.png", 2);
  EXPECT_TRUE(fails({"/test: no folders of classes", "expected a sub-folder"}));
}

TEST_F(Pictures, AreNoPipesAndNothingBehindALinkToAFolder) {
  write_pixel("a/1.png", 1);
  write_pixel("b/1.png", 2);
  std::filesystem::create_directory_symlink(".", folder_.path() / "a/self");
  ASSERT_EQ(mkfifo((folder_.path() / "b/2.png").c_str(), 0600), 0);
  EXPECT_EQ(training().size(), 2);
}

TEST_F(Pictures, OfTheTestPartHaveTheChannelsOfTheTrainingPart) {
  write("train/a/1.png", plain_png(1, 1, {1, 2, 3}));
  write_pixel("test/a/1.png", 9);
  const SourceParts parts = read_source(source());
  EXPECT_THAT(parts.test->description.feature_shape, ElementsAre(3, 1, 1));
  EXPECT_THAT(make_dataset(*parts.test).bytes(), ElementsAre(9, 9, 9));
}

TEST_F(Pictures, OtherFoldersBesidePartsAreLeftAlone) {
  write_pixel("train/a/1.png", 1);
  write_pixel("val/a/1.png", 2);
  testing::internal::CaptureStderr();
  const SourceParts parts = read_source(source());
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("val is left alone; the parts are `train` and `test`"));
  EXPECT_FALSE(parts.test.has_value());
  EXPECT_EQ(parts.training.description.samples, 1);
}

TEST_F(Pictures, AClassMayBeCalledTrain) {
  write_pixel("train/1.png", 1);
  write_pixel("lorry/1.png", 2);
  EXPECT_THAT(read_source(source()).training.description.class_names, ElementsAre("lorry", "train"));
}

TEST_F(Pictures, CountsTheFilesThatAreLeftAlone) {
  write_pixel("a/1.png", 1);
  write("a/.hidden.png", "");
  write("a/notes.txt", "");
  write("a/.thumbnails/1.png", "");
  write(".git/config", "");
  write("README", "");
  testing::internal::CaptureStderr();
  EXPECT_EQ(training().size(), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("3 files are left alone"));
}

TEST_F(Pictures, PngOfEveryFormBecomesBytes) {
  const auto grey = [](int bits) { return test::PngForm{.colour_type = PNG_COLOR_TYPE_GRAY, .bits = bits}; };
  EXPECT_THAT(decoded(png(2, 2, {10, 20, 30, 40})), ElementsAre(10, 20, 30, 40));
  EXPECT_THAT(decoded(png(1, 8, {0b10100001}, grey(1))), ElementsAre(255, 0, 255, 0, 0, 0, 0, 255));
  EXPECT_THAT(decoded(png(1, 2, {0x5F}, grey(4))), ElementsAre(0x55, 0xFF));
  // 65535 is 255, and so 257 is 1: the nearest to 128 · 256 / 257 = 127.5 is 128, of less than it 127.
  EXPECT_THAT(decoded(png(1, 4, {0xFF, 0xFF, 1, 1, 0x7F, 0xFF, 0x80, 0x80}, grey(16))),
              ElementsAre(255, 1, 127, 128));
  EXPECT_THAT(decoded(png(1, 2, {1, 2, 3, 4, 5, 6}, {.colour_type = PNG_COLOR_TYPE_RGB})),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(
      decoded(png(1, 3, {2, 0, 1},
                  {.colour_type = PNG_COLOR_TYPE_PALETTE, .palette = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}})),
      ElementsAre(7, 8, 9, 1, 2, 3, 4, 5, 6));
}

TEST_F(Pictures, InterlacedPngAreWhole) {
  Bytes values;
  for (int i = 0; i < 9 * 9; ++i) values.push_back(static_cast<std::uint8_t>(3 * i));
  EXPECT_EQ(decoded(png(9, 9, values, {.interlace = PNG_INTERLACE_ADAM7})), values);
}

TEST_F(Pictures, AlphaIsComposedOntoBlack) {
  EXPECT_THAT(decoded(png(1, 3, {200, 255, 200, 128, 200, 0}, {.colour_type = PNG_COLOR_TYPE_GRAY_ALPHA})),
              ElementsAre(200, 100, 0));  // 200 · 128 / 255 = 100.4
  EXPECT_THAT(decoded(png(1, 1, {255, 100, 3, 51}, {.colour_type = PNG_COLOR_TYPE_RGB_ALPHA})),
              ElementsAre(51, 20, 1));  // a fifth
  EXPECT_THAT(
      decoded(png(
          1, 2, {0, 1},
          {.colour_type = PNG_COLOR_TYPE_PALETTE, .palette = {{10, 20, 30}, {40, 50, 60}}, .alphas = {0}})),
      ElementsAre(0, 0, 0, 40, 50, 60));
}

TEST_F(Pictures, JpegKeepsFlatColoursWhateverTheFileIsCalled) {
  // A flat picture is its mean, eight times which is a whole coefficient.
  EXPECT_THAT(decoded(jpeg(9, 17, Bytes(153, 77), JCS_GRAYSCALE, 1)), Each(77));
  Bytes values;
  for (int i = 0; i < 16 * 16; ++i) values.insert(values.end(), {200, 100, 50});
  const Bytes colour = decoded(jpeg(16, 16, values, JCS_RGB, 3));
  ASSERT_EQ(colour.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(colour[i], values[i], 2);  // Y'CbCr in bytes
}

TEST_F(Pictures, AreInColourWhereAnyIs) {
  write_pixel("a/1.png", 9);
  write("a/2.png", plain_png(1, 1, {255, 0, 0}));
  EXPECT_THAT(training().bytes(), ElementsAre(9, 9, 9, 255, 0, 0));
  EXPECT_THAT(training().description().feature_shape, ElementsAre(3, 1, 1));
  // 0.299 · 255 = 76.2
  EXPECT_THAT(training({.colour = Colour::kGrey}).bytes(), ElementsAre(9, 76));
  fs::remove(folder_.path() / "a/2.png");
  EXPECT_THAT(training().bytes(), ElementsAre(9));
  EXPECT_THAT(training({.colour = Colour::kColour}).bytes(), ElementsAre(9, 9, 9));
}

TEST_F(Pictures, GreyIsLuma) {
  // 0.299 R + 0.587 G + 0.114 B
  write("a/1.png", plain_png(1, 3, {0, 255, 0, 0, 0, 255, 255, 255, 255}));
  EXPECT_THAT(training({.colour = Colour::kGrey}).bytes(), ElementsAre(150, 29, 255));
}

TEST_F(Pictures, OfDifferentSizesHaveToBeResized) {
  write("a/1.png", plain_png(2, 2, {10, 20, 30, 40}));
  write("a/2.png", plain_png(1, 3, {5, 5, 5}));
  EXPECT_TRUE(fails({"a/2.png: 1 x 3 pixels", "a/1.png has 2 x 2", "`resize`"}));
  const Dataset data = training({.height = 1, .width = 2});
  EXPECT_THAT(data.description().feature_shape, ElementsAre(1, 2));
  EXPECT_THAT(data.bytes(), ElementsAre(20, 30, 5, 5));
}

TEST_F(Pictures, AreResizedAsByPillow) {
  std::ifstream file(LOCKSTEP_TEST_DATA "/resized.json");
  const auto cases = nlohmann::json::parse(file);
  ASSERT_GE(cases.size(), 10U);
  for (const auto& one : cases) {
    const Pixels pixels{one["from"][0], one["from"][1], one["channels"], one["values"]};
    const Pixels result = resized(pixels, one["to"][0], one["to"][1]);
    const Bytes expected = one["resized"];
    ASSERT_EQ(result.values.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(result.values[i], expected[i], 1) << one["from"] << " to " << one["to"] << ", value " << i;
    }
  }
}

TEST_F(Pictures, KeepTheirMeanWhereBlocksShrink) {
  // Twice as many pixels: each is the mean of those below it and half of its neighbours, (1 3 3 1)/8.
  const Pixels row{1, 8, 1, {0, 0, 0, 80, 80, 0, 0, 0}};
  EXPECT_THAT(resized(row, 1, 4).values, ElementsAre(0, 40, 40, 0));
  EXPECT_THAT(resized({1, 8, 1, Bytes(8, 200)}, 3, 5).values, Each(200));
  EXPECT_THAT(resized({1, 2, 1, {0, 100}}, 1, 4).values, ElementsAre(0, 25, 75, 100));
}

TEST_F(Pictures, RefusesAClassWithoutPictures) {
  write_pixel("a/1.png", 1);
  write("b/notes.txt", "");
  EXPECT_TRUE(fails({"/b: a class without pictures", ".png, .jpg or .jpeg"}));
}

TEST_F(Pictures, RefusesWhatIsNoPicture) {
  write("a/1.png", "");
  EXPECT_TRUE(fails({"a/1.png: 0 bytes", "expected a PNG or JPEG picture"}));
  write("a/1.png", "GIF89a and so on");
  EXPECT_TRUE(fails({"a/1.png", "begins with 0x47494638", "PNG or JPEG"}));
  write("a/1.png", "\x89PNG\r\n\x1a\n");
  EXPECT_TRUE(fails({"a/1.png", "cannot be decoded", "whole PNG"}));
  write("a/1.png", "\xFF\xD8\xFF");
  EXPECT_TRUE(fails({"a/1.png", "cannot be decoded", "whole JPEG"}));
  fs::remove(folder_.path() / "a/1.png");
  fs::create_symlink("nowhere", folder_.path() / "a/1.png");
  EXPECT_TRUE(fails({"a/1.png", "cannot read", "No such file"}));
}

TEST_F(Pictures, RefusesTruncatedPictures) {
  Bytes noise;
  for (unsigned i = 0; i < 40 * 40; ++i)
    noise.push_back(static_cast<std::uint8_t>(i * i * 2654435761U >> 13U));
  for (const std::string& whole : {plain_png(40, 40, noise), jpeg(40, 40, noise, JCS_GRAYSCALE, 1)}) {
    EXPECT_EQ(decoded(whole).size(), noise.size());
    for (const std::size_t size : {whole.size() / 2, whole.size() - 3}) {
      write("class/picture.png", whole.substr(0, size));
      EXPECT_TRUE(fails({"class/picture.png", "cannot be decoded"})) << size << " of " << whole.size();
    }
  }
}

TEST_F(Pictures, RefusesDamagedPngs) {
  std::string damaged = plain_png(2, 2, {1, 2, 3, 4});
  damaged[damaged.find("IDAT") + 8] ^= 0x10;
  write("a/1.png", damaged);
  EXPECT_TRUE(fails({"a/1.png", "cannot be decoded", "get the file again"}));
}

TEST_F(Pictures, RefusesImpossibleSizesAtOnce) {
  std::string huge = jpeg(8, 8, Bytes(64, 0), JCS_GRAYSCALE, 1);
  const std::size_t frame = huge.find("\xFF\xC0");  // then length, precision, height and width
  ASSERT_NE(frame, std::string::npos);
  huge.replace(frame + 5, 4, "\x7F\x7F\x7F\x7E");
  write("a/1.jpg", huge);
  EXPECT_TRUE(fails({"a/1.jpg", "header promises 32639 x 32638 pixels"}));

  huge = plain_png(1, 1, {0});
  const std::size_t header = huge.find("IHDR");  // then width, height and so on, 13 bytes with a checksum
  huge.replace(header + 4, 8, std::string("\0\0\x7F\xFF\0\0\x7F\xFE", 8));
  const auto checksum =
      static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(huge.data()) + header, 4 + 13));
  for (unsigned i = 0; i < 4; ++i) {
    huge[header + 17 + i] = static_cast<char>(checksum >> (24U - 8U * i) & 0xFFU);
  }
  write("a/1.jpg", huge);
  EXPECT_TRUE(fails({"a/1.jpg", "header promises 32766 x 32767 pixels"}));
}

TEST_F(Pictures, RefusesCmyk) {
  write("a/1.jpg", jpeg(8, 8, Bytes(256, 9), JCS_CMYK, 4));
  EXPECT_TRUE(fails({"a/1.jpg", "CMYK", "expected grey or RGB"}));
}

TEST_F(Pictures, OptionsAreForThemAlone) {
  DataSource source;
  source.source = "blobs";
  source.pictures.height = source.pictures.width = 8;
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"`resize`", "only for folders of pictures"}));
  source.pictures = {.colour = Colour::kGrey};
  EXPECT_TRUE(is_bad_input([&] { read_source(source); }, {"`colour`", "only for folders of pictures"}));
}

}  // namespace
}  // namespace lockstep
