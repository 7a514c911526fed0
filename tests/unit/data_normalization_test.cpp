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

Dataset images(std::vector<std::uint8_t> bytes, Index features) {
  DatasetContent content;
  const Index samples = std::ssize(bytes) / features;
  content.description = {"images", Task::kClassification, Storage::kBytes, samples, {features}, 1, {}};
  content.bytes = std::move(bytes);
  content.labels.assign(static_cast<std::size_t>(samples), 0);
  return make_dataset(std::move(content));
}

Dataset table(std::vector<float> values, Index features) {
  DatasetContent content;
  const Index samples = std::ssize(values) / features;
  content.description = {"table", Task::kRegression, Storage::kFloats, samples, {features}, 0, {}};
  content.values = std::move(values);
  content.targets.assign(static_cast<std::size_t>(samples), 0.0F);
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
  EXPECT_THAT(normalization_from_text(to_text({})).shift, IsEmpty());
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

}  // namespace
}  // namespace lockstep
