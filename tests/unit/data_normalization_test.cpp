#include <cmath>
#include <gmock/gmock.h>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/idx.hpp"
#include "lockstep/data/normalization.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using testing::ElementsAre;
using testing::IsEmpty;

Dataset pictures(std::vector<std::uint8_t> bytes, const std::vector<Index>& shape) {
  DatasetContent content;
  content.description = {"images", Task::kClassification, Storage::kBytes, 1, shape, 1, {}};
  const Index samples = std::ssize(bytes) / content.description.features();
  content.description.samples = samples;
  content.bytes = std::move(bytes);
  content.labels.assign(static_cast<std::size_t>(samples), 0);
  return make_dataset(std::move(content));
}

Dataset images(std::vector<std::uint8_t> bytes, Index features) {
  return pictures(std::move(bytes), {features});
}

Dataset table(std::vector<float> values, Index features) {
  DatasetContent content;
  const Index samples = std::ssize(values) / features;
  content.description = {"table", Task::kRegression, Storage::kFloats, samples, {features}, 0, {}};
  content.values = std::move(values);
  content.targets.assign(static_cast<std::size_t>(samples), 0.0F);
  return make_dataset(std::move(content));
}

Dataset targets(std::vector<float> values, Index width, Task task = Task::kRegression) {
  DatasetContent content;
  const Index samples = std::ssize(values) / width;
  content.description = {.name = "targets",
                         .task = task,
                         .storage = Storage::kFloats,
                         .samples = samples,
                         .feature_shape = {1},
                         .targets = width};
  content.values.assign(static_cast<std::size_t>(samples), 0.0F);
  content.targets = std::move(values);
  return make_dataset(std::move(content));
}

Index identity(Index i) { return i; }

Normalization compute(NormalizationKind kind, const Dataset& data) {
  return compute_normalization(kind, data, data.size(), identity);
}

TEST(Normalization, NoneIsTheIdentity) {
  const Normalization none = compute(NormalizationKind::kNone, table({1, 2, 3, 4}, 2));
  EXPECT_THAT(none.shift, IsEmpty());
  EXPECT_THAT(none.scale, IsEmpty());
}

TEST(Normalization, StandardOfBytesIsOnePairForAll) {
  // 0, 2, 4, 6: mean 3, variance 5.
  const Normalization standard = compute(NormalizationKind::kStandard, images({0, 2, 4, 6}, 2));
  EXPECT_THAT(standard.shift, ElementsAre(3.0));
  EXPECT_THAT(standard.scale, ElementsAre(1.0 / std::sqrt(5.0)));
}

TEST(Normalization, StandardOfBytesIsExactForLongRows) {
  // More than fits into 32 bits: half 0, half 255.
  std::vector<std::uint8_t> bytes(400000, 255);
  for (std::size_t i = 0; i < bytes.size(); i += 2) bytes[i] = 0;
  const Normalization standard = compute(NormalizationKind::kStandard, images(bytes, 200000));
  EXPECT_THAT(standard.shift, ElementsAre(127.5));
  EXPECT_THAT(standard.scale, ElementsAre(1.0 / 127.5));
}

TEST(Normalization, StandardOfPicturesInColourIsAPairAChannel) {
  // Two pictures of 1 x 2 pixels: red 0, 2, 4, 6 (mean 3, variance 5), green 9, 9, 9, 9, blue 0, 0, 0, 200.
  const Dataset data = pictures({0, 9, 0, 2, 9, 0, 4, 9, 0, 6, 9, 200}, {3, 1, 2});
  const Normalization standard = compute(NormalizationKind::kStandard, data);
  EXPECT_THAT(standard.shift, ElementsAre(3.0, 9.0, 50.0));
  EXPECT_THAT(standard.scale, ElementsAre(1.0 / std::sqrt(5.0), 0.0, 1.0 / std::sqrt(7500.0)));
  const Normalization unit = compute(NormalizationKind::kUnit, data);
  EXPECT_THAT(unit.shift, ElementsAre(0.0)) << "all channels alike";
  const Normalization second =
      compute_normalization(NormalizationKind::kStandard, data, 1, [](Index) { return 1; });
  EXPECT_THAT(second.shift, ElementsAre(5.0, 9.0, 100.0));
}

TEST(Normalization, OneChannelMakesOnePair) {
  for (const std::vector<Index>& shape : {std::vector<Index>{2, 2}, {1, 2, 2}, {4}}) {
    const Normalization standard = compute(NormalizationKind::kStandard, pictures({0, 2, 4, 6}, shape));
    EXPECT_THAT(standard.shift, ElementsAre(3.0));
    EXPECT_THAT(standard.scale, ElementsAre(1.0 / std::sqrt(5.0)));
  }
}

TEST(Normalization, StandardOfAChannelIsExactForManyPixels) {
  // More than fits into 32 bits, in each channel: half 0, half 255 minus the channel's number.
  std::vector<std::uint8_t> bytes;
  for (Index pixel = 0; pixel < 200000; ++pixel) {
    for (int channel = 0; channel < 3; ++channel) {
      bytes.push_back(pixel % 2 == 0 ? 0 : static_cast<std::uint8_t>(255 - channel));
    }
  }
  const Normalization standard =
      compute(NormalizationKind::kStandard, pictures(std::move(bytes), {3, 400, 500}));
  EXPECT_THAT(standard.shift, ElementsAre(127.5, 127.0, 126.5));
  EXPECT_THAT(standard.scale, ElementsAre(1.0 / 127.5, 1.0 / 127.0, 1.0 / 126.5));
}

TEST(Normalization, FitsSamplesOfAsManyChannelsOrFeatures) {
  const auto of = [](std::size_t pairs) {
    return Normalization{std::vector<double>(pairs), std::vector<double>(pairs)};
  };
  const DatasetDescription grey{.feature_shape = {2, 6}};
  const DatasetDescription colour{.feature_shape = {3, 2, 2}};
  for (const std::size_t pairs : {0U, 1U, 12U}) {
    EXPECT_TRUE(fits(of(pairs), grey)) << pairs;
    EXPECT_TRUE(fits(of(pairs), colour)) << pairs;
  }
  EXPECT_TRUE(fits(of(3), colour));
  EXPECT_FALSE(fits(of(3), grey));
  EXPECT_FALSE(fits(of(2), colour));
}

TEST(Normalization, UnitOfBytesIsTheirRange) {
  const Normalization unit = compute(NormalizationKind::kUnit, images({7, 8}, 1));
  EXPECT_THAT(unit.shift, ElementsAre(0.0));
  EXPECT_THAT(unit.scale, ElementsAre(1.0 / 255.0));
}

TEST(Normalization, StandardOfATableIsAPairAFeature) {
  // Columns 1, 3 (mean 2, deviation 1) and 10, 30 (mean 20, deviation 10).
  const Normalization standard = compute(NormalizationKind::kStandard, table({1, 10, 3, 30}, 2));
  EXPECT_THAT(standard.shift, ElementsAre(2.0, 20.0));
  EXPECT_THAT(standard.scale, ElementsAre(1.0, 0.1));
}

TEST(Normalization, StandardKeepsSmallDeviationsFromLargeMeans) {
  // The floats next to 2^24 are 2 apart.
  constexpr float kLarge = 16777216.0F;
  const Normalization standard =
      compute(NormalizationKind::kStandard, table({kLarge, kLarge + 2, kLarge, kLarge + 2}, 1));
  EXPECT_THAT(standard.shift, ElementsAre(16777217.0));
  EXPECT_THAT(standard.scale, ElementsAre(1.0));
}

TEST(Normalization, UnitOfATableIsTheRangeOfEachFeature) {
  const Normalization unit = compute(NormalizationKind::kUnit, table({-1, 8, 3, 8, 1, 10}, 2));
  EXPECT_THAT(unit.shift, ElementsAre(-1.0, 8.0));
  EXPECT_THAT(unit.scale, ElementsAre(0.25, 0.5));
}

TEST(Normalization, ConstantFeaturesBecomeZero) {
  for (const NormalizationKind kind : {NormalizationKind::kStandard, NormalizationKind::kUnit}) {
    // Three times 0.1 in float does not sum to three times it.
    const Normalization result = compute(kind, table({0.1F, 0.1F, 0.1F}, 1));
    EXPECT_EQ((static_cast<double>(0.1F) - result.shift[0]) * result.scale[0], 0.0);
    EXPECT_THAT(result.scale, ElementsAre(0.0));
  }
  EXPECT_THAT(compute(NormalizationKind::kStandard, images({9, 9, 9}, 1)).scale, ElementsAre(0.0));
}

TEST(Normalization, SeesOnlyTheSamplesGiven) {
  const Dataset numbers = table({1, 100, 3}, 1);
  const Normalization standard =
      compute_normalization(NormalizationKind::kStandard, numbers, 2, [](Index i) { return 2 * i; });
  EXPECT_THAT(standard.shift, ElementsAre(2.0));
  EXPECT_THAT(standard.scale, ElementsAre(1.0));
  const Dataset pixels = images({1, 100, 3}, 1);
  EXPECT_THAT(
      compute_normalization(NormalizationKind::kStandard, pixels, 2, [](Index i) { return 2 * i; }).shift,
      ElementsAre(2.0));
  EXPECT_THROW(compute_normalization(NormalizationKind::kStandard, pixels, 0, identity), Error);
}

TEST(Normalization, OfFashionMnistIsThePublishedOne) {
  const Dataset data = make_dataset(read_idx("/usr/share/datasets/fashion-mnist", Part::kTraining, "", 0));
  const Normalization standard = compute(NormalizationKind::kStandard, data);
  EXPECT_NEAR(standard.shift[0] / 255.0, 0.2860, 5e-5);
  EXPECT_NEAR(1.0 / standard.scale[0] / 255.0, 0.3530, 5e-5);
}

TEST(Normalization, TextFormKeepsEveryBit) {
  const Normalization original{{0.1, 1.0 / 3.0, -1e-300}, {1e300, 5e-324, 0.0}};
  const Normalization copy = normalization_from_text(to_text(original));
  EXPECT_EQ(copy.shift, original.shift);
  EXPECT_EQ(copy.scale, original.scale);
  EXPECT_THAT(normalization_from_text(to_text(Normalization())).shift, IsEmpty());
}

TEST(Normalization, RefusesTextThatIsNone) {
  for (const std::string text :
       {"", "{", "[]", "7", R"({"shift": [1]})", R"({"shift": ["a"], "scale": [1]})",
        R"({"shift": 1, "scale": 2})", R"({"shift": [null], "scale": [1]})",
        R"({"shift": [1, 2], "scale": [1]})", R"({"shift": [1e999], "scale": [1]})"}) {
    EXPECT_TRUE(is_bad_input([&] { normalization_from_text(text); }, {"normalisation", "weights file"}))
        << text;
  }
}

TEST(TargetNormalization, IsAPairATarget) {
  // 100, 300 and 500 of four samples: mean 300, variance 80000/3; 9 throughout keeps its scale.
  const Dataset data = targets({100, 9, 7, 8, 300, 9, 500, 9}, 2);
  const auto but_second = [](Index i) { return i == 0 ? 0 : i + 1; };
  const auto compute_kind = [&](NormalizationKind kind) {
    return compute_target_normalization(kind, data, 3, but_second);
  };
  const Normalization standard = compute_kind(NormalizationKind::kStandard);
  EXPECT_THAT(standard.shift, ElementsAre(300.0, 9.0));
  EXPECT_THAT(standard.scale, ElementsAre(1 / std::sqrt(80000.0 / 3), 1.0));
  const Normalization unit = compute_kind(NormalizationKind::kUnit);
  EXPECT_THAT(unit.shift, ElementsAre(100.0, 9.0));
  EXPECT_THAT(unit.scale, ElementsAre(1.0 / 400.0, 1.0));
  EXPECT_THAT(compute_kind(NormalizationKind::kNone).shift, IsEmpty());
}

TEST(TargetNormalization, IsNoneOfOtherTasks) {
  const Dataset labels = targets({0, 1, 1, 0}, 2, Task::kMultiLabel);
  for (const Dataset& data : {labels, images({1, 2}, 1)}) {
    const Normalization found =
        compute_target_normalization(NormalizationKind::kStandard, data, data.size(), identity);
    EXPECT_THAT(found.shift, IsEmpty());
  }
}

TEST(Normalization, IsUndone) {
  const Normalization pairs = {{300, 9}, {0.25, 0}};
  EXPECT_EQ(denormalized(pairs, 0, -2), 292);
  EXPECT_EQ(denormalized(pairs, 1, 5), 9) << "all values became 0";
  EXPECT_EQ(denormalized(pairs, 2, 1), 304) << "pairs repeat";
  EXPECT_EQ(denormalized({}, 4, 1.5), 1.5);
}

}  // namespace
}  // namespace lockstep
