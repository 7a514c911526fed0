// What augmentation may make of small pictures is worked out by other means; which of it comes how often is
// counted over epochs and samples.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/data/batch.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using Values = std::vector<Real>;

constexpr std::uint64_t kSeed = 3;

/// A data set of one picture, as often as `samples` says; of bytes or of floats.
Dataset pictures(std::vector<Index> shape, const std::vector<float>& picture,
                 Storage storage = Storage::kBytes, Index samples = 1) {
  DatasetContent content;
  content.description = {"pictures", Task::kClassification, storage, samples, std::move(shape), 1, {}};
  for (Index i = 0; i < samples; ++i) {
    for (const float value : picture) {
      if (storage == Storage::kBytes) content.bytes.push_back(static_cast<std::uint8_t>(value));
      if (storage == Storage::kFloats) content.values.push_back(value);
    }
  }
  content.labels.assign(static_cast<std::size_t>(samples), 0);
  return make_dataset(std::move(content));
}

Values augmented(const Dataset& data, const Augmentation& augmentation, std::uint64_t epoch, Index sample = 0,
                 const Normalization& normalization = {}) {
  Batch batch;
  batch.samples = {sample};
  gather(data, {normalization}, batch, {.changes = augmentation, .seed = kSeed, .epoch = epoch});
  return batch.features;
}

/// How often each picture comes out in so many epochs of one sample, or of so many samples in one epoch.
std::map<Values, double> counts(const Dataset& data, const Augmentation& augmentation, Index times) {
  std::map<Values, double> found;
  const bool over_samples = data.size() > 1;
  for (Index i = 0; i < times; ++i) {
    ++found[over_samples ? augmented(data, augmentation, 0, i)
                         : augmented(data, augmentation, static_cast<std::uint64_t>(i))];
  }
  return found;
}

/// Whether exactly the `expected` pictures were found, as often as their weights say: Pearson's chi-square
/// test, at five standard deviations above its mean.
testing::AssertionResult come_as_often(const std::map<Values, double>& found,
                                       const std::map<Values, double>& expected) {
  double times = 0;
  double weights = 0;
  for (const auto& [picture, count] : found) times += count;
  for (const auto& [picture, weight] : expected) weights += weight;
  for (const auto& [picture, count] : found) {
    if (!expected.contains(picture)) return testing::AssertionFailure() << testing::PrintToString(picture);
  }
  double chi_square = 0;
  for (const auto& [picture, weight] : expected) {
    const auto one = found.find(picture);
    const double mean = times * weight / weights;
    const double off = (one == found.end() ? 0 : one->second) - mean;
    chi_square += off * off / mean;
  }
  const double freedom = static_cast<double>(expected.size()) - 1;
  if (chi_square < freedom + 5 * std::sqrt(2 * freedom)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "chi-square " << chi_square << " of " << freedom;
}

/// The pixel at (y, x) of a picture, or what stands beyond its edge.
float pixel(const std::vector<float>& picture, Index height, Index width, Index y, Index x, bool edge) {
  const bool inside = 0 <= y && y < height && 0 <= x && x < width;
  if (!inside && !edge) return 0;
  return picture[static_cast<std::size_t>(std::clamp(y, Index{0}, height - 1) * width +
                                          std::clamp(x, Index{0}, width - 1))];
}

/// All windows of a grey picture that is padded by `pad`.
std::map<Values, double> windows(const std::vector<float>& picture, Index height, Index width, Index pad,
                                 bool edge) {
  std::map<Values, double> all;
  for (Index down = -pad; down <= pad; ++down) {
    for (Index right = -pad; right <= pad; ++right) {
      Values window;
      for (Index y = 0; y < height; ++y) {
        for (Index x = 0; x < width; ++x) {
          window.push_back(pixel(picture, height, width, y + down, x + right, edge));
        }
      }
      ++all[window];
    }
  }
  return all;
}

const std::vector<float> kSix = {10, 20, 30, 40, 50, 60};  // 2 x 3

TEST(Augmentation, CropsEveryWindowEquallyOften) {
  for (const bool edge : {false, true}) {
    for (const Index pad : {1, 2}) {  // 2: some windows look alike
      for (const Storage storage : {Storage::kBytes, Storage::kFloats}) {
        for (const Index samples : {1, 4000}) {
          EXPECT_TRUE(come_as_often(counts(pictures({2, 3}, kSix, storage, samples), {Crop{pad, edge}}, 4000),
                                    windows(kSix, 2, 3, pad, edge)))
              << edge << pad << samples;
        }
      }
    }
  }
}

TEST(Augmentation, CropsFurtherThanThePictureReaches) {
  EXPECT_TRUE(
      come_as_often(counts(pictures({1, 2}, {1, 2}), {Crop{3}}, 4000), windows({1, 2}, 1, 2, 3, false)));
}

/// Channels stand last in memory, and move together.
TEST(Augmentation, TakesPixelsInColourAsOne) {
  std::vector<float> colour;
  std::map<Values, double> cropped;
  for (const float value : kSix) colour.insert(colour.end(), {value, value + 1, value + 2});
  for (const auto& [window, weight] : windows(kSix, 2, 3, 1, true)) {
    Values pixels;
    for (const Real value : window) pixels.insert(pixels.end(), {value, value + 1, value + 2});
    cropped[pixels] += weight;
  }
  EXPECT_TRUE(come_as_often(counts(pictures({3, 2, 3}, colour), {Crop{1, true}}, 2000), cropped));
  EXPECT_TRUE(come_as_often(counts(pictures({3, 1, 2}, {1, 2, 3, 4, 5, 6}), {Flip{}}, 1000),
                            {{{1, 2, 3, 4, 5, 6}, 1}, {{4, 5, 6, 1, 2, 3}, 1}}));
}

TEST(Augmentation, FlipsHalfOfThePictures) {
  for (const Index samples : {1, 1000}) {
    EXPECT_TRUE(come_as_often(counts(pictures({2, 3}, kSix, Storage::kBytes, samples), {Flip{}}, 1000),
                              {{{10, 20, 30, 40, 50, 60}, 1}, {{30, 20, 10, 60, 50, 40}, 1}}));
  }
}

TEST(Augmentation, CutsSquaresOutAroundEveryPixel) {
  constexpr Index kHeight = 4;
  constexpr Index kWidth = 5;
  const Normalization normalization = {{7.5}, {2.0}};
  for (const Index size : {1, 2, 3}) {
    std::map<Values, double> expected;
    for (Index centre_y = 0; centre_y < kHeight; ++centre_y) {
      for (Index centre_x = 0; centre_x < kWidth; ++centre_x) {
        Values picture(kHeight * kWidth, Real((200 - 7.5) * 2));
        for (Index y = centre_y - size / 2; y < centre_y - size / 2 + size; ++y) {
          for (Index x = centre_x - size / 2; x < centre_x - size / 2 + size; ++x) {
            if (y < 0 || y >= kHeight || x < 0 || x >= kWidth) continue;
            picture[static_cast<std::size_t>(y * kWidth + x)] = 0;
          }
        }
        ++expected[picture];
      }
    }
    std::map<Values, double> found;
    const Dataset data = pictures({kHeight, kWidth}, std::vector<float>(kHeight * kWidth, 200));
    for (std::uint64_t epoch = 0; epoch < 4000; ++epoch) {
      ++found[augmented(data, {Cutout{size}}, epoch, 0, normalization)];
    }
    EXPECT_TRUE(come_as_often(found, expected)) << size;
  }
}

/// The factors f for which floor(f v + (1 - f) m), kept within 0 … 255, gives the results of bytes v.
std::pair<double, double> factors(const std::vector<float>& picture, const Values& result, double mean) {
  constexpr double kRounding = 1e-4;
  std::pair<double, double> range = {-10, 10};
  for (std::size_t i = 0; i < picture.size(); ++i) {
    const double slope = picture[i] - mean;
    const double low = result[i] == 0 ? -1e6 : static_cast<double>(result[i]) - kRounding;
    const double high = result[i] == 255 ? 1e6 : static_cast<double>(result[i]) + 1 + kRounding;
    if (slope == 0) {
      EXPECT_TRUE(low <= mean && mean <= high);
      continue;
    }
    const auto [least, most] = std::minmax({(low - mean) / slope, (high - mean) / slope});
    range = {std::max(range.first, least), std::min(range.second, most)};
  }
  return range;
}

TEST(Augmentation, ScalesBytesByOneFactorAndKeepsThemBytes) {
  const std::vector<float> picture = {0, 255, 40, 100, 150, 215, 250, 190};
  ASSERT_EQ(std::accumulate(picture.begin(), picture.end(), 0.0F), 8 * 150);
  for (const auto& [change, mean] :
       {std::pair<PictureChange, double>{Brightness{0.5}, 0}, {Contrast{0.5}, 150}}) {
    double least = 1;
    double most = 1;
    for (std::uint64_t epoch = 0; epoch < 500; ++epoch) {
      const Values result = augmented(pictures({2, 4}, picture), {change}, epoch);
      const auto [low, high] = factors(picture, result, mean);
      ASSERT_LE(low, high) << testing::PrintToString(result);
      EXPECT_LE(low, 1.5);
      EXPECT_GE(high, 0.5);
      least = std::min(least, high);
      most = std::max(most, low);
    }
    EXPECT_LT(least, 0.52) << mean;
    EXPECT_GT(most, 1.48) << mean;
  }
}

TEST(Augmentation, ScalesFloatsWithoutBounds) {
  const std::vector<float> picture = {-300, 500, 1000, 0};  // mean 300
  double sum = 0;
  for (std::uint64_t epoch = 0; epoch < 1000; ++epoch) {
    const Dataset data = pictures({2, 2}, picture, Storage::kFloats);
    const Values bright = augmented(data, {Brightness{0.5}}, epoch);
    const Values contrasted = augmented(data, {Contrast{0.5}}, epoch);
    const double b = bright[1] / 500;
    const double c = (contrasted[1] - 300) / 200;
    for (std::size_t i = 0; i < picture.size(); ++i) {
      ASSERT_NEAR(bright[i], b * picture[i], 1e-3);
      ASSERT_NEAR(contrasted[i], 300 + c * (picture[i] - 300), 1e-3);
    }
    EXPECT_TRUE(0.499 < b && b < 1.501 && 0.499 < c && c < 1.501) << b << ", " << c;
    sum += b;
  }
  // The deviation of a factor's mean is 0.5 / sqrt(3 · 1000), about 0.01.
  EXPECT_NEAR(sum / 1000, 1, 0.05);
}

TEST(Augmentation, ChangesOneAfterAnotherAsWritten) {
  const Dataset data = pictures({2, 3}, {100, 20, 30, 40, 50, 60}, Storage::kFloats);
  const auto with_zeros = [&](const Augmentation& augmentation) {
    int count = 0;
    for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
      const Values picture = augmented(data, augmentation, epoch);
      count += std::ranges::find(picture, Real(0)) != picture.end() ? 1 : 0;
    }
    return count;
  };
  // Contrast moves the zeros of the crops before it; eight of nine crops have some.
  EXPECT_EQ(with_zeros({Crop{1}, Contrast{0.5}}), 0);
  EXPECT_GT(with_zeros({Contrast{0.5}, Crop{1}}), 50);
}

TEST(Augmentation, DrawsForEachChangeOfTheListByItself) {
  EXPECT_TRUE(
      come_as_often(counts(pictures({1, 2}, {1, 2}), {Flip{}, Flip{}}, 1000), {{{1, 2}, 1}, {{2, 1}, 1}}));
}

TEST(Augmentation, MovesPixelsBeforePlacesAreNormalised) {
  const Dataset data = pictures({1, 2}, {5, 9}, Storage::kFloats);
  const Normalization by_place = {{1, 2}, {10, 100}};
  std::map<Values, double> found;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch) ++found[augmented(data, {Flip{}}, epoch, 0, by_place)];
  EXPECT_TRUE(come_as_often(found, {{{40, 700}, 1}, {{80, 300}, 1}}));
}

const Augmentation kAll = {Crop{2}, Flip{}, Brightness{0.2}, Contrast{0.2}, Cutout{2}};

/// Colourful pictures of 5 x 4 pixels, all different.
Dataset samples(Index count, Storage storage) {
  DatasetContent content;
  content.description = {"samples", Task::kClassification, storage, count, {3, 5, 4}, 1, {}};
  for (Index i = 0; i < count * 60; ++i) {
    if (storage == Storage::kBytes) content.bytes.push_back(static_cast<std::uint8_t>(i * i * 7 % 251));
    if (storage == Storage::kFloats) content.values.push_back(static_cast<float>(i * i * 7 % 251));
  }
  content.labels.assign(static_cast<std::size_t>(count), 0);
  return make_dataset(std::move(content));
}

TEST(Augmentation, IsAFunctionOfSeedEpochAndSampleAlone) {
  for (const Storage storage : {Storage::kBytes, Storage::kFloats}) {
    const Dataset data = samples(300, storage);
    Batch batch;
    for (Index i = 0; i < 300; ++i) batch.samples.push_back(299 - i);
    for (const int count : {1, 3}) {
      set_threads(count);
      gather(data, {}, batch, {.changes = kAll, .seed = kSeed, .epoch = 8});
      for (Index row = 0; row < 300; ++row) {
        const auto first = batch.features.begin() + row * 60;
        EXPECT_EQ(Values(first, first + 60), augmented(data, kAll, 8, 299 - row));
      }
    }
    set_threads(1);
    EXPECT_NE(augmented(data, kAll, 8), augmented(data, kAll, 9));
    const Batch before = batch;
    gather(data, {}, batch, {.changes = kAll, .seed = kSeed + 1, .epoch = 8});
    EXPECT_NE(batch.features, before.features);
  }
}

TEST(Augmentation, IsReadFromTextAndWrittenAsSuch) {
  for (const std::string text :
       {"none", "flip", "crop 4", "crop 4 edge", "brightness 0.25", "contrast 1", "cutout 8", "mixup 0.2",
        "contrast 0.5, crop 1, flip, crop 2 edge, flip, cutout 3, cutout 5"}) {
    EXPECT_EQ(to_text(augmentation_from_text(text)), text);
  }
  EXPECT_EQ(to_text(augmentation_from_text("  flip,crop   4 edge ")), "flip, crop 4 edge");
  EXPECT_TRUE(augmentation_from_text("none").empty());
  EXPECT_TRUE(augmentation_from_text("").empty());
  const Augmentation read = augmentation_from_text("crop 4 edge, contrast 0.5");
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(std::get<Crop>(read[0]).pad, 4);
  EXPECT_TRUE(std::get<Crop>(read[0]).edge);
  EXPECT_EQ(std::get<Contrast>(read[1]).most, 0.5);
}

TEST(Augmentation, RefusesOtherTextWithWhatWasExpected) {
  const auto fails = [](const std::string& text, const std::vector<std::string>& fragments) {
    return is_bad_input([&] { augmentation_from_text(text); }, fragments);
  };
  EXPECT_TRUE(fails("flip, crp 4",
                    {"`augment`", "'crp 4'", "expected some of crop PAD [edge], flip", "mean 'crop'?"}));
  EXPECT_TRUE(fails("flip,, crop 4", {"''"}));
  for (const std::string text : {"crop", "crop 0", "crop -1", "crop 1.5", "crop 1e9", "crop nan", "crop edge",
                                 "crop 4 edges", "crop 4 edge edge", "crop edge 4"}) {
    EXPECT_TRUE(fails(text, {"'" + text + "'", "expected 'crop PAD [edge]'",
                             "whole number of pixels from 1 to 65536 as PAD"}));
  }
  EXPECT_TRUE(fails("flip 0.5", {"'flip 0.5'", "expected 'flip'"}));
  for (const std::string name : {"brightness", "contrast"}) {
    for (const std::string value :
         {"", " 0", " 0.0009", " -0.1", " 1.01", " nan", " inf", " much", " 0.2 0.2"}) {
      EXPECT_TRUE(fails(name + value, {"'" + name + " MOST'", "a number from 0.001 to 1 as MOST"}));
    }
  }
  EXPECT_TRUE(fails("cutout 8, flip", {"`augment` = cutout 8, flip: expected 'flip' before 'cutout 8'"}));
}

TEST(Augmentation, RefusesWhatIsNoPictureOrTooSmallAOne) {
  const auto fails = [](const Augmentation& augmentation, const DatasetDescription& data,
                        const std::vector<std::string>& fragments) {
    return is_bad_input([&] { check_augmentation(augmentation, data); }, fragments);
  };
  DatasetDescription data = {.name = "a.csv", .feature_shape = {784}};
  EXPECT_TRUE(fails({Flip{}}, data, {"`augment` = flip", "a.csv", "pictures", "remove it"}));
  EXPECT_NO_THROW(check_augmentation({}, data));
  data.feature_shape = {28, 28};
  EXPECT_NO_THROW(check_augmentation({Crop{27}, Cutout{28}}, data));
  EXPECT_TRUE(fails({Crop{28}}, data, {"'crop 28'", "28 x 28"}));
  EXPECT_TRUE(fails({Cutout{29}}, data, {"'cutout 29'", "28 x 28"}));
  EXPECT_TRUE(fails({Crop{-1}}, data, {"'crop -1'", "expected"}));
  EXPECT_TRUE(fails({Brightness{2}}, data, {"'brightness 2'", "expected"}));
  EXPECT_TRUE(fails({Cutout{2}, Flip{}}, data, {"'flip' before"}));
  data.feature_shape = {3, 32, 16};
  EXPECT_TRUE(fails({Crop{16}}, data, {"32 x 16"}));
  data.categories = 5;
  EXPECT_TRUE(fails({Flip{}}, data, {"pictures"}));
}

}  // namespace
}  // namespace lockstep
