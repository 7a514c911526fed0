#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/synthetic.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

Moments moments(const std::vector<double>& values) {
  Moments result;
  for (const double value : values) result.mean += value / static_cast<double>(values.size());
  for (const double value : values) {
    result.variance += (value - result.mean) * (value - result.mean) / static_cast<double>(values.size());
  }
  return result;
}

double at(const DatasetContent& content, Index sample, Index feature) {
  return content.values[static_cast<std::size_t>(sample * content.description.features() + feature)];
}

TEST(Synthetic, LinearIsTheModelPlusNoise) {
  const SyntheticOptions options{.samples = 5000, .features = 30, .seed = 3};
  const DatasetContent content = make_synthetic("linear", Part::kTraining, options);
  EXPECT_EQ(content.description.task, Task::kRegression);
  EXPECT_EQ(content.description.classes, 0);
  std::vector<double> features;
  std::vector<double> residuals;
  for (Index sample = 0; sample < options.samples; ++sample) {
    double predicted = 0.05;
    for (Index i = 0; i < options.features; ++i) {
      predicted += 0.01 * at(content, sample, i);
      features.push_back(at(content, sample, i));
    }
    residuals.push_back(content.targets[static_cast<std::size_t>(sample)] - predicted);
  }
  // Five standard errors: a mean's is σ/√n, a variance's σ²√(2/n).
  const double n = 5000;
  EXPECT_NEAR(moments(residuals).mean, 0.0, 5 * 0.01 / std::sqrt(n));
  EXPECT_NEAR(moments(residuals).variance, 1e-4, 5e-4 * std::sqrt(2 / n));
  EXPECT_NEAR(moments(features).mean, 0.0, 5 / std::sqrt(30 * n));
  EXPECT_NEAR(moments(features).variance, 1.0, 5 * std::sqrt(2 / (30 * n)));
}

TEST(Synthetic, BlobsLieAroundTheirCentresInBothParts) {
  const SyntheticOptions options{.samples = 9000, .features = 10, .classes = 3, .seed = 3};
  for (const Part part : {Part::kTraining, Part::kTest}) {
    const DatasetContent content = make_synthetic("blobs", part, options);
    EXPECT_EQ(content.description.task, Task::kClassification);
    EXPECT_EQ(content.description.classes, 3);
    for (std::int32_t label = 0; label < 3; ++label) {
      EXPECT_EQ(std::count(content.labels.begin(), content.labels.end(), label), 3000);
      for (Index feature = 0; feature < options.features; ++feature) {
        std::vector<double> values;
        for (Index sample = 0; sample < options.samples; ++sample) {
          if (content.labels[static_cast<std::size_t>(sample)] == label) {
            values.push_back(at(content, sample, feature));
          }
        }
        EXPECT_NEAR(moments(values).variance, 1.0, 5 * std::sqrt(2 / 3000.0));
      }
    }
  }
}

TEST(Synthetic, BothPartsHaveTheSameCentres) {
  const SyntheticOptions options{.samples = 8000, .features = 5, .classes = 2, .seed = 1};
  const DatasetContent training = make_synthetic("blobs", Part::kTraining, options);
  const DatasetContent test = make_synthetic("blobs", Part::kTest, options);
  for (Index feature = 0; feature < options.features; ++feature) {
    double difference = 0.0;
    for (Index sample = 0; sample < options.samples; sample += 2) {
      difference += (at(training, sample, feature) - at(test, sample, feature)) / 4000.0;
    }
    EXPECT_NEAR(difference, 0.0, 5 * std::sqrt(2 / 4000.0));
  }
}

/// The angle between the mean of (2 y_k - 1) x and w_k vanishes with the samples, so that these means show
/// the weights: E (2y - 1) x = w √(2/π) / √(w·w + 1), as w·x + ε is normal.
std::vector<double> mean_of_tag(const DatasetContent& content, Index label) {
  std::vector<double> mean(static_cast<std::size_t>(content.description.features()));
  for (Index sample = 0; sample < content.description.samples; ++sample) {
    const float y = content.targets[static_cast<std::size_t>(sample * content.description.targets + label)];
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] += (2 * y - 1) * at(content, sample, static_cast<Index>(i)) /
                 static_cast<double>(content.description.samples);
    }
  }
  return mean;
}

TEST(Synthetic, TagsAreHalfSpacesThatBothPartsShare) {
  const SyntheticOptions options{.samples = 20000, .features = 6, .classes = 5, .seed = 3};
  const DatasetContent training = make_synthetic("tags", Part::kTraining, options);
  const DatasetContent test = make_synthetic("tags", Part::kTest, options);
  EXPECT_EQ(training.description.task, Task::kMultiLabel);
  EXPECT_EQ(training.description.classes, 0);
  EXPECT_EQ(training.description.targets, 5);
  for (const float y : training.targets) EXPECT_TRUE(y == 0 || y == 1) << y;
  const double deviation = 1 / std::sqrt(20000.0);  // of a mean of numbers from N(0, 1)
  for (Index label = 0; label < 5; ++label) {
    const std::vector<double> a = mean_of_tag(training, label);
    const std::vector<double> b = mean_of_tag(test, label);
    double length = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(a[i], b[i], 5 * std::sqrt(2) * deviation) << label;
      length += a[i] * a[i];
    }
    // |mean|² = (2/π) w·w / (w·w + 1): below 2/π, and with six weights from N(0, 1) far above 0.
    EXPECT_LT(length, 2 / std::numbers::pi + 5 * deviation);
    EXPECT_GT(length, 1 / std::numbers::pi);
    if (label > 0) {
      EXPECT_GT(std::abs(a[0] - mean_of_tag(training, 0)[0]), 10 * deviation) << "labels differ";
    }
  }
}

TEST(Synthetic, TestPartHasTheSamplesAskedFor) {
  const SyntheticOptions options{.samples = 10, .features = 3, .test_samples = 4};
  for (const std::string& name : synthetic_names()) {
    EXPECT_EQ(make_synthetic(name, Part::kTraining, options).description.samples, 10);
    const DatasetContent test = make_synthetic(name, Part::kTest, options);
    EXPECT_EQ(test.description.samples, 4);
    EXPECT_EQ(make_dataset(test).size(), 4);
    const DatasetContent longer = make_synthetic(name, Part::kTest, {.samples = 10, .features = 3});
    EXPECT_TRUE(std::equal(test.values.begin(), test.values.end(), longer.values.begin())) << name;
  }
}

TEST(Synthetic, IsAPureFunctionOfTheIndex) {
  for (const std::string& name : synthetic_names()) {
    const SyntheticOptions few{.samples = 10, .features = 7};
    const SyntheticOptions many{.samples = 20, .features = 7};
    const DatasetContent short_set = make_synthetic(name, Part::kTraining, few);
    const DatasetContent long_set = make_synthetic(name, Part::kTraining, many);
    EXPECT_TRUE(std::equal(short_set.values.begin(), short_set.values.end(), long_set.values.begin()))
        << name;
    EXPECT_TRUE(std::equal(short_set.targets.begin(), short_set.targets.end(), long_set.targets.begin()));
    EXPECT_NE(make_synthetic(name, Part::kTest, few).values, short_set.values) << name;
    SyntheticOptions other = few;
    other.seed = 2;
    EXPECT_NE(make_synthetic(name, Part::kTraining, other).values, short_set.values) << name;
  }
}

TEST(Synthetic, DescribesItself) {
  const SyntheticOptions options{.samples = 10, .features = 7};
  for (const std::string& name : synthetic_names()) {
    const DatasetContent content = make_synthetic(name, Part::kTest, options);
    EXPECT_EQ(content.description.name, name);
    EXPECT_EQ(content.description.samples, 10);
    EXPECT_EQ(content.description.feature_shape, std::vector<Index>{7});
    EXPECT_EQ(make_dataset(content).size(), 10);
  }
}

TEST(Synthetic, RefusesSetsThatCannotBe) {
  const auto make = [](const std::string& name, const SyntheticOptions& options) {
    return [=] { make_synthetic(name, Part::kTraining, options); };
  };
  EXPECT_TRUE(is_bad_input(make("blob", {}), {"'blob'", "blobs, linear, tags"}));
  EXPECT_TRUE(is_bad_input(make("blobs", {.samples = 0}), {"`samples` = 0", "1"}));
  EXPECT_TRUE(is_bad_input(make("linear", {.features = -1}), {"`features` = -1"}));
  EXPECT_TRUE(is_bad_input(make("blobs", {.classes = 1}), {"`classes` = 1", "2"}));
  EXPECT_TRUE(is_bad_input(make("linear", {.test_samples = -1}), {"`test-samples` = -1"}));
  EXPECT_TRUE(is_bad_input(make("linear", {.test_samples = Index{1} << 40U}), {"`test-samples`", "2^40"}));
  EXPECT_TRUE(is_bad_input(make("linear", {.samples = Index{1} << 40U, .features = Index{1} << 40U}),
                           {"`samples`", "`features`", "2^40"}));
}

}  // namespace
}  // namespace lockstep
