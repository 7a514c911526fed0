#include <algorithm>
#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data/mixup.hpp"
#include "data_helpers.hpp"
#include "lockstep/data/batch.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Index kSamples = 20000;

std::vector<double> shares(double alpha) {
  const Augmentation augmentation = {Flip{}, Mixup{alpha}};
  std::vector<double> result;
  for (Index sample = 0; sample < kSamples; ++sample) {
    result.push_back(own_share({.changes = augmentation, .seed = 4, .epoch = 2}, sample));
  }
  return result;
}

/// Pearson's statistic of `counts` that should all be alike.
double chi_square(const std::vector<double>& counts) {
  const double mean = static_cast<double>(kSamples) / static_cast<double>(counts.size());
  double sum = 0;
  for (const double count : counts) sum += (count - mean) * (count - mean) / mean;
  return sum;
}

// Beta(1, 1) is uniform, Beta(1/2, 1/2) the arcsine distribution.
TEST(Mixup, DrawsSharesFromTheBetaDistribution) {
  const std::vector<std::pair<double, std::function<double(double)>>> distributions = {
      {1, [](double x) { return x; }},
      {0.5, [](double x) { return 2 / std::numbers::pi * std::asin(std::sqrt(x)); }}};
  for (const auto& [alpha, distribution] : distributions) {
    std::vector<double> counts(10);
    for (const double share : shares(alpha)) {
      ASSERT_TRUE(0 <= share && share <= 1) << share;
      ++counts[std::min<std::size_t>(9, static_cast<std::size_t>(10 * distribution(share)))];
    }
    EXPECT_LT(chi_square(counts), 9 + 5 * std::sqrt(18)) << alpha;
  }
}

// The variance of Beta(α, α) is 1 / (4 (2 α + 1)); that of (λ - 1/2)² is at most 1/64.
TEST(Mixup, SharesHaveTheMeanAndVarianceOfTheBetaDistribution) {
  const double deviation = 1 / std::sqrt(static_cast<double>(kSamples));
  for (const double alpha : {0.001, 0.05, 0.2, 0.75}) {
    double mean = 0;
    double variance = 0;
    for (const double share : shares(alpha)) {
      mean += share / kSamples;
      variance += (share - 0.5) * (share - 0.5) / kSamples;
    }
    EXPECT_NEAR(mean, 0.5, 5 * deviation / 2) << alpha;
    EXPECT_NEAR(variance, 1 / (4 * (2 * alpha + 1)), 5 * deviation / 8) << alpha;
  }
}

TEST(Mixup, TakesEveryOtherSampleEquallyOften) {
  const Augmentation augmentation = {Mixup{0.2}};
  std::vector<double> counts(4);
  for (Index sample = 0; sample < kSamples; ++sample) {
    const AugmentedPass pass{.changes = augmentation, .seed = 1, .epoch = 7};
    ++counts.at(static_cast<std::size_t>(partner_distance(pass, sample, 5) - 1));
    EXPECT_EQ(partner_distance(pass, sample, 2), 1);
    EXPECT_EQ(partner_distance(pass, sample, 1), 0);
  }
  EXPECT_LT(chi_square(counts), 3 + 5 * std::sqrt(6));
}

Dataset pictures() {
  DatasetContent content;
  content.description = {"pictures", Task::kClassification, Storage::kBytes, 3, {2, 2}, 3, {}};
  content.bytes = {0, 255, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
  content.labels = {2, 0, 1};
  return make_dataset(std::move(content));
}

TEST(Mixup, MixesWhatTheNetworkSeesOfBothSamples) {
  const Dataset data = pictures();
  const Normalization normalization = {{50}, {0.25}};
  const Augmentation before = {Crop{1}, Flip{}, Cutout{1}};
  Augmentation augmentation = before;
  augmentation.emplace_back(Mixup{0.5});
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    const AugmentedPass pass{.changes = augmentation, .seed = 3, .epoch = epoch};
    Batch mixed;
    mixed.samples = {0, 2};
    mixed.partners = {1, 0};
    gather(data, {normalization}, mixed, pass);
    EXPECT_THAT(mixed.labels, ElementsAre(2, 1));
    EXPECT_THAT(mixed.partner_labels, ElementsAre(0, 2));
    EXPECT_THAT(mixed.shares, ElementsAre(Real(own_share(pass, 0)), Real(own_share(pass, 2))));
    Batch alone;
    alone.samples = {0, 2, 1, 0};
    gather(data, {normalization}, alone, {.changes = before, .seed = 3, .epoch = epoch});
    for (std::size_t i = 0; i < 8; ++i) {
      const double share = mixed.shares[i / 4];
      ASSERT_NEAR(mixed.features[i], share * alone.features[i] + (1 - share) * alone.features[i + 8], 1e-5);
    }
    gather(data, {normalization}, mixed);
    EXPECT_THAT(mixed.partner_labels, IsEmpty());
    EXPECT_THAT(mixed.shares, IsEmpty());
  }
}

TEST(Mixup, IsTheLastChangeAndForClasses) {
  for (const std::string text : {"mixup 0.2, flip", "mixup 0.2, cutout 2", "mixup 0.2, mixup 0.2"}) {
    EXPECT_TRUE(is_bad_input([&] { augmentation_from_text(text); }, {"expected 'mixup 0.2' to be the last"}));
  }
  DatasetDescription data = {.name = "ages", .task = Task::kRegression, .feature_shape = {28, 28}};
  EXPECT_TRUE(is_bad_input(
      [&] {
        check_augmentation({Flip{}, Mixup{0.2}}, data);
      },
      {"`augment` = flip, mixup 0.2: mixes classes", "ages", "remove 'mixup 0.2'"}));
  EXPECT_NO_THROW(check_augmentation({Flip{}}, data));
}

}  // namespace
}  // namespace lockstep
