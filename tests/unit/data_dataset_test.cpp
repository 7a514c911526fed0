#include <gmock/gmock.h>
#include <limits>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using testing::ElementsAre;

/// Their copy, as gmock 1.11 (Ubuntu 22.04) matches no spans.
template <typename Element>
std::vector<Element> elements(std::span<const Element> span) {
  return {span.begin(), span.end()};
}

DatasetContent two_images() {
  DatasetContent content;
  content.description = {"images", Task::kClassification, Storage::kBytes, 2, {1, 3}, 4, {}};
  content.bytes = {0, 1, 2, 253, 254, 255};
  content.labels = {3, 0};
  return content;
}

TEST(Dataset, SharesItsDataWithItsCopies) {
  Dataset copy;
  EXPECT_EQ(copy.size(), 0);
  {
    const Dataset data = make_dataset(two_images());
    copy = data;
    EXPECT_EQ(copy.bytes().data(), data.bytes().data());
  }
  EXPECT_EQ(copy.size(), 2);
  EXPECT_EQ(copy.description().features(), 3);
  EXPECT_THAT(elements(copy.bytes()), ElementsAre(0, 1, 2, 253, 254, 255));
  EXPECT_THAT(elements(copy.labels()), ElementsAre(3, 0));
}

TEST(Dataset, KnowsItsBytes) {
  DatasetDescription description = two_images().description;
  EXPECT_EQ(description.feature_bytes(), 6U);
  EXPECT_EQ(description.target_bytes(), 8U);
  description.storage = Storage::kFloats;
  EXPECT_EQ(description.feature_bytes(), 24U);
}

TEST(Dataset, ViewsMemoryOfSomebodyElse) {
  const DatasetContent content = two_images();
  const Dataset data(content.description,
                     {.features = std::as_bytes(std::span(content.bytes)),
                      .targets = std::as_bytes(std::span(content.labels))},
                     nullptr);
  EXPECT_EQ(data.bytes().data(), content.bytes.data());
  EXPECT_EQ(data.labels().data(), content.labels.data());
}

TEST(Dataset, HoldsTablesOfNumbers) {
  DatasetContent content;
  content.description = {"table", Task::kRegression, Storage::kFloats, 2, {2}, 0, {}};
  content.values = {1, 2, 3, 4};
  content.targets = {0.5F, -0.5F};
  const Dataset data = make_dataset(std::move(content));
  EXPECT_THAT(elements(data.values()), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(elements(data.targets()), ElementsAre(0.5F, -0.5F));
  EXPECT_THROW(static_cast<void>(data.bytes()), Error);
  EXPECT_THROW(static_cast<void>(data.labels()), Error);
}

TEST(Dataset, HoldsSeveralTargetsASample) {
  for (const Task task : {Task::kRegression, Task::kMultiLabel}) {
    DatasetContent content;
    content.description = {"table", task, Storage::kFloats, 2, {1}, 0, {}, 3, {}};
    content.values = {1, 2};
    content.targets = {0, 1, 0, 1, 1, 0};
    EXPECT_EQ(content.description.target_bytes(), 24U);
    EXPECT_THAT(elements(make_dataset(content).targets()), ElementsAre(0, 1, 0, 1, 1, 0));
    content.targets.pop_back();
    EXPECT_THROW(make_dataset(content), Error);
  }
}

TEST(Dataset, KnowsItsTasksByName) {
  EXPECT_EQ(task_name(Task::kClassification), "classification");
  EXPECT_EQ(task_name(Task::kRegression), "regression");
  EXPECT_EQ(task_name(Task::kMultiLabel), "multi-label");
}

TEST(Dataset, HasADigestOfAllButItsName) {
  const std::string expected = digest(make_dataset(two_images()));
  EXPECT_EQ(expected.size(), 32U);
  DatasetContent moved = two_images();
  moved.description.name = "elsewhere";
  EXPECT_EQ(digest(make_dataset(moved)), expected);
  const std::vector<std::function<void(DatasetContent&)>> changes = {
      [](DatasetContent& content) { content.bytes[5] = 254; },
      [](DatasetContent& content) { content.labels[1] = 1; },
      [](DatasetContent& content) { content.description.classes = 5; },
      [](DatasetContent& content) {
        content.description.feature_shape = {3, 1};
      },
      [](DatasetContent& content) {
        content.description.class_names = {"a", "b", "c", "d"};
      },
      [](DatasetContent& content) {
        content.description.groups = 2;
        content.groups = {0, 1};
      },
      [](DatasetContent& content) {
        content.description.groups = 2;
        content.groups = {1, 1};
      },
      [](DatasetContent& content) {
        content.description.has_sample_weights = true;
        content.sample_weights = {1, 1};
      },
      [](DatasetContent& content) {
        content.description.has_sample_weights = true;
        content.sample_weights = {1, 0.5F};
      },
  };
  std::set<std::string> digests = {expected};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    DatasetContent content = two_images();
    changes[i](content);
    EXPECT_TRUE(digests.insert(digest(make_dataset(std::move(content)))).second) << i;
  }
}

TEST(Dataset, RefusesWeightsThatAreNone) {
  for (const float weight :
       {-1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    DatasetContent content = two_images();
    content.description.has_sample_weights = true;
    content.sample_weights = {0, weight};
    EXPECT_TRUE(is_bad_input([&] { make_dataset(content); }, {"images", "sample 1", "not below 0"}));
  }
}

TEST(Dataset, RefusesGroupsThatAreNone) {
  for (const std::int32_t group : {2, -1}) {
    DatasetContent content = two_images();
    content.description.groups = 2;
    content.groups = {0, group};
    EXPECT_TRUE(is_bad_input([&] { make_dataset(content); },
                             {"images", "sample 1", "group " + std::to_string(group), "0 to 1"}));
  }
}

TEST(Dataset, RefusesLabelsOutsideTheClasses) {
  for (const std::int32_t label : {4, -1}) {
    DatasetContent content = two_images();
    content.labels[1] = label;
    EXPECT_TRUE(is_bad_input([&] { make_dataset(content); },
                             {"images", "sample 1", "label " + std::to_string(label), "0 to 3"}));
  }
}

TEST(Dataset, RefusesValuesThatNumberNoCategory) {
  DatasetContent words;
  words.description = {.name = "words",
                       .storage = Storage::kFloats,
                       .samples = 2,
                       .feature_shape = {3},
                       .classes = 2,
                       .categories = 9};
  words.labels = {0, 1};
  words.values = {0, 8, 3, 4, 5, 1};
  const std::string known = digest(make_dataset(words));
  for (const float wrong : {9.0F, -1.0F, 2.5F, std::numeric_limits<float>::quiet_NaN()}) {
    words.values[4] = wrong;
    EXPECT_TRUE(is_bad_input([&] { make_dataset(words); },
                             {"words: sample 1 has", "at place 1", "whole numbers from 0 to 8"}))
        << wrong;
  }
  words.values[4] = 5;
  words.description.categories = 10;
  EXPECT_NE(digest(make_dataset(words)), known);

  DatasetContent images = two_images();
  images.description.categories = 255;
  EXPECT_TRUE(is_bad_input([&] { make_dataset(images); }, {"images: sample 1 has 255 at place 2"}));
}

TEST(Dataset, RefusesEmptyOnes) {
  DatasetContent content = two_images();
  content.description.samples = 0;
  EXPECT_TRUE(is_bad_input([&] { make_dataset(content); }, {"images", "0 samples", "at least one"}));
  content = two_images();
  content.description.feature_shape = {0};
  EXPECT_TRUE(is_bad_input([&] { make_dataset(content); }, {"0 features"}));
}

TEST(Dataset, RefusesSizesThatDisagree) {
  DatasetContent content = two_images();
  content.bytes.pop_back();
  EXPECT_THROW(make_dataset(content), Error);
  content = two_images();
  content.labels.push_back(0);
  EXPECT_THROW(make_dataset(content), Error);
}

}  // namespace
}  // namespace lockstep
