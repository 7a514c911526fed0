#include <array>
#include <gmock/gmock.h>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/batch.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using testing::ElementsAre;
using testing::IsEmpty;

Dataset images() {
  DatasetContent content;
  content.description = {"images", Task::kClassification, Storage::kBytes, 3, {2}, 3, {}};
  content.bytes = {0, 255, 10, 20, 30, 40};
  content.labels = {2, 0, 1};
  return make_dataset(std::move(content));
}

Dataset table() {
  DatasetContent content;
  content.description = {"table", Task::kRegression, Storage::kFloats, 3, {2}, 0, {}};
  content.values = {1, 2, 3, 4, 5, 6};
  content.targets = {0.5F, 1.5F, 2.5F};
  return make_dataset(std::move(content));
}

Batch gathered(const Dataset& data, const Normalization& normalization, std::vector<Index> samples) {
  Batch batch;
  batch.samples = std::move(samples);
  gather(data, {normalization}, batch);
  return batch;
}

TEST(Gather, TakesRowsInTheOrderAsked) {
  const Batch batch = gathered(images(), {}, {2, 0, 2});
  EXPECT_EQ(batch.rows(), 3);
  EXPECT_THAT(batch.features, ElementsAre(30, 40, 0, 255, 30, 40));
  EXPECT_THAT(batch.labels, ElementsAre(1, 2, 1));
  EXPECT_THAT(batch.targets, IsEmpty());
}

TEST(Gather, NormalisesBytesWithOnePair) {
  const Batch batch = gathered(images(), {{10.0}, {0.5}}, {1, 2});
  EXPECT_THAT(batch.features, ElementsAre(0, 5, 10, 15));
}

TEST(Gather, NormalisesTablesWithAPairAFeature) {
  const Batch batch = gathered(table(), {{1.0, 4.0}, {2.0, 0.5}}, {2, 0});
  EXPECT_THAT(batch.features, ElementsAre(8, 1, 0, -1));
  EXPECT_THAT(batch.targets, ElementsAre(2.5, 0.5));
  EXPECT_THAT(batch.labels, IsEmpty());
  EXPECT_THAT(gathered(table(), {}, {1}).features, ElementsAre(3, 4));
}

TEST(Gather, TakesAllTargetsOfASample) {
  DatasetContent content;
  content.description = {"table", Task::kMultiLabel, Storage::kFloats, 3, {1}, 0, {}, 2, {"p", "q"}};
  content.values = {1, 2, 3};
  content.targets = {0, 1, 1, 1, 1, 0};
  const Batch batch = gathered(make_dataset(std::move(content)), {}, {2, 0, 2});
  EXPECT_THAT(batch.features, ElementsAre(3, 1, 3));
  EXPECT_THAT(batch.targets, ElementsAre(1, 0, 0, 1, 1, 0));
  EXPECT_THAT(batch.labels, IsEmpty());
}

TEST(Gather, NormalisesBytesWithAPairAFeature) {
  EXPECT_THAT(gathered(images(), {{10.0, 0.0}, {1.0, 0.1}}, {1}).features, ElementsAre(0, Real(20 * 0.1)));
}

TEST(Gather, NormalisesEveryByteToRounding) {
  DatasetContent content;
  content.description = {"bytes", Task::kClassification, Storage::kBytes, 1, {256}, 1, {}};
  content.bytes.resize(256);
  std::iota(content.bytes.begin(), content.bytes.end(), std::uint8_t{0});
  content.labels = {0};
  const double shift = 72.94035;
  const double scale = 1 / 90.02118;
  const Batch batch = gathered(make_dataset(std::move(content)), {{shift}, {scale}}, {0});
  // Three roundings, of the shift (up to 128), the difference and the product.
  const double tolerance = 128 * scale * 3 * std::numeric_limits<Real>::epsilon();
  for (int value = 0; value < 256; ++value) {
    EXPECT_NEAR(batch.features[static_cast<std::size_t>(value)], (value - shift) * scale, tolerance) << value;
  }
}

TEST(Gather, KeepsSmallDifferencesOfLargeNumbers) {
  DatasetContent content;
  content.description = {"table", Task::kRegression, Storage::kFloats, 1, {2}, 0, {}};
  content.values = {16777218.0F, 16777216.0F};
  content.targets = {0};
  const Dataset data = make_dataset(std::move(content));
  EXPECT_THAT(gathered(data, {{16777217.5, 16777217.5}, {1.0, 1.0}}, {0}).features, ElementsAre(0.5, -1.5));
}

/// Pictures whose byte of every place is a function of it.
Dataset colour_pictures(Index channels, Index height, Index width) {
  DatasetContent content;
  content.description = {"colour", Task::kClassification, Storage::kBytes, 2, {channels, height, width}, 1,
                         {}};
  for (Index i = 0; i < 2 * channels * height * width; ++i) {
    content.bytes.push_back(static_cast<std::uint8_t>(i * 7 % 256));
  }
  content.labels = {0, 0};
  return make_dataset(std::move(content));
}

TEST(Gather, NormalisesEachChannelByItsPair) {
  // Fewer values than a run of pixels, a run that ends inside of a sample, and channels longer than a run.
  for (const auto& [channels, height, width] :
       {std::array<Index, 3>{3, 1, 2}, {3, 32, 32}, {5, 7, 11}, {300, 2, 2}}) {
    Normalization normalization;
    for (Index c = 0; c < channels; ++c) {
      normalization.shift.push_back(static_cast<double>(c));
      normalization.scale.push_back(c % 2 == 0 ? 0.5 : 2.0);
    }
    const Batch batch = gathered(colour_pictures(channels, height, width), normalization, {1});
    const Index features = channels * height * width;
    ASSERT_EQ(std::ssize(batch.features), features);
    for (Index i = 0; i < features; ++i) {
      const Index c = i % channels;
      const double byte = static_cast<double>((features + i) * 7 % 256);
      ASSERT_EQ(batch.features[static_cast<std::size_t>(i)],
                (byte - static_cast<double>(c)) * (c % 2 == 0 ? 0.5 : 2.0))
          << i << " of " << features;
    }
  }
}

TEST(Gather, AllocatesOnlyForBatchesLargerThanBefore) {
  Batch batch;
  batch.samples = {0, 1, 2};
  gather(images(), {}, batch);
  const Real* features = batch.features.data();
  const std::int32_t* labels = batch.labels.data();
  batch.samples = {1};
  gather(images(), {}, batch);
  EXPECT_THAT(batch.features, ElementsAre(10, 20));
  batch.samples = {2, 1, 0};
  gather(images(), {}, batch);
  EXPECT_EQ(batch.features.data(), features);
  EXPECT_EQ(batch.labels.data(), labels);
}

TEST(Gather, TakesNoRowsWhereNoneAreAsked) {
  Batch batch = gathered(images(), {}, {0, 1});
  batch.samples.clear();
  gather(images(), {}, batch);
  EXPECT_THAT(batch.features, IsEmpty());
  EXPECT_THAT(batch.labels, IsEmpty());
}

TEST(Gather, RefusesSamplesOutsideTheSet) {
  EXPECT_THROW(gathered(images(), {}, {3}), Error);
  EXPECT_THROW(gathered(images(), {}, {-1}), Error);
}

TEST(Gather, NormalisesTargets) {
  Batch batch;
  batch.samples = {2, 0};
  gather(table(), {{}, {{1.5}, {4}}}, batch);
  EXPECT_THAT(batch.targets, ElementsAre(4, -4));
  EXPECT_THAT(batch.features, ElementsAre(5, 6, 1, 2));
  EXPECT_TRUE(is_bad_input(
      [&] {
        gather(table(), {{}, {{0, 0}, {1, 1}}}, batch);
      },
      {"table", "1 targets", "computed for 2", "same kind"}));
}

TEST(Gather, RefusesTheNormalisationOfOtherData) {
  EXPECT_TRUE(is_bad_input(
      [] {
        gathered(table(), {{0, 0, 0}, {1, 1, 1}}, {0});
      },
      {"table", "2 features", "computed for 3", "same kind"}));
  EXPECT_TRUE(is_bad_input(
      [] {
        gathered(colour_pictures(3, 2, 2), {{0, 0}, {1, 1}}, {0});
      },
      {"colour", "12 features", "computed for 2", "same kind"}));
}

}  // namespace
}  // namespace lockstep
