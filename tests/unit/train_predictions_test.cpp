// What the page shows of the network's answers, against each sample by itself.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "lockstep/data/batch.hpp"
#include "nn_helpers.hpp"
#include "temporary_folder.hpp"
#include "train/evaluation/drawn_pictures.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::TrainingRun;
using Json = nlohmann::ordered_json;

struct Answer {
  Index sample;
  std::int32_t label;
  Index predicted;
  double probability;
};

std::vector<Answer> answers(TrainingRun& run, const Dataset& data) {
  Network model = make_model(run.config, *run.problem);
  std::copy(run.trainer.network().parameters().begin(), run.trainer.network().parameters().end(),
            model.parameters().begin());
  std::vector<Answer> all;
  for (Index i = 0; i < data.size(); ++i) {
    Batch batch;
    batch.samples = {i};
    gather(data, run.problem->normalization, batch);
    const auto y = model.forward(test::OwnedBlock(batch.samples).evaluation(),
                                 {batch.features.data(), 1, model.inputs()});
    double sum = 0;
    for (Index k = 0; k < y.cols(); ++k) sum += std::exp(static_cast<double>(y(0, k)));
    Index predicted = 0;
    y.row(0).maxCoeff(&predicted);
    all.push_back(
        {i, batch.labels[0], predicted, std::exp(static_cast<double>(y(0, batch.labels[0]))) / sum});
  }
  return all;
}

TEST(Predictions, AreThoseOfEverySample) {
  TrainingRun run(blobs({{"data.samples", "700"}}));
  run.trainer.step();
  const Json seen = run.trainer.examine(all_of(*run.problem->test), "test");
  std::vector<Answer> expected = answers(run, *run.problem->test);
  EXPECT_EQ(seen["part"], "test");
  EXPECT_EQ(seen["samples"], 700);
  EXPECT_EQ(seen["task"], "classification");
  EXPECT_EQ(seen["classes"], (Json{"0", "1", "2"}));
  std::vector<std::vector<int>> confusion(3, std::vector<int>(3));
  for (const Answer& a : expected)
    ++confusion[static_cast<std::size_t>(a.label)][static_cast<std::size_t>(a.predicted)];
  EXPECT_EQ(seen["confusion"].get<std::vector<std::vector<int>>>(), confusion);

  // The loss is -log probability: the worst are the least probable.
  std::sort(expected.begin(), expected.end(),
            [](const Answer& a, const Answer& b) { return a.probability < b.probability; });
  ASSERT_EQ(seen["worst"].size(), 24U);
  for (std::size_t i = 0; i < 24; ++i) {
    const Json& worst = seen["worst"][i];
    EXPECT_EQ(worst["sample"], expected[i].sample) << i;
    EXPECT_EQ(worst["label"], std::to_string(expected[i].label));
    EXPECT_EQ(worst["predicted"], std::to_string(expected[i].predicted));
    EXPECT_NEAR(worst["probability"], expected[i].probability, 1e-6);
    EXPECT_NEAR(worst["loss"], -std::log(expected[i].probability), 1e-5);
    EXPECT_FALSE(worst.contains("pixels"));
  }
}

// Records of CIFAR-10: a label, then 1024 values each of red, green and blue.
TEST(Predictions, ShowPicturesInColour) {
  const test::TemporaryFolder folder;
  const auto picture = [](char label) {
    return label + std::string(1024, '\0') + std::string(1024, '\1') + std::string(1024, label);
  };
  folder.write("data_batch_1.bin", picture(2) + picture(3));
  folder.write("test_batch.bin", picture(2));
  TrainingRun run(test::config_of({{"data.source", folder.path().string()},
                                   {"train.batch-size", "2"},
                                   {"train.micro-batches", "2"},
                                   {"model.layers", "flatten, linear 10"}}));
  // Blue is the only channel that varies between the pictures: 2 and 3.
  EXPECT_EQ(run.problem->normalization.features.shift, (std::vector<double>{0, 1, 2.5}));
  EXPECT_EQ(run.problem->normalization.features.scale, (std::vector<double>{0, 0, 2}));
  const Json seen = run.trainer.examine(all_of(*run.problem->test), "test");
  const Json& worst = seen["worst"][0];
  EXPECT_EQ(worst["width"], 32);
  EXPECT_EQ(worst["height"], 32);
  EXPECT_EQ(worst["channels"], 3);
  std::string pixels;
  for (int pixel = 0; pixel < 1024; ++pixel) pixels += "AAEC";  // the bytes 0, 1, 2
  EXPECT_EQ(worst["pixels"], pixels);
}

TEST(Predictions, OfARegressionStandBesideTheTargets) {
  TrainingRun run(test::config_of({{"data.source", "linear"},
                                   {"data.samples", "2100"},
                                   {"data.features", "3"},
                                   {"train.micro-batches", "2"},
                                   {"model.layers", "linear 1"}}));
  const Json seen = run.trainer.examine(all_of(*run.problem->test), "test");
  EXPECT_EQ(seen["task"], "regression");
  ASSERT_EQ(seen["targets"].size(), 2000U);
  ASSERT_EQ(seen["predictions"].size(), 2000U);
  EXPECT_FLOAT_EQ(seen["targets"][1999].get<float>(), run.problem->test->targets()[1999]);
}

// All weights are not numbers.
TEST(Predictions, AreOfNoClassWhereOutputsAreNotFinite) {
  for (const std::string layers : {"linear 3", "linear 1"}) {
    const bool classifies = layers == "linear 3";
    TrainingRun run(test::config_of({{"data.source", classifies ? "blobs" : "linear"},
                                     {"data.samples", "20"},
                                     {"data.classes", "3"},
                                     {"train.micro-batches", "2"},
                                     {"train.batch-size", "4"},
                                     {"optimizer.name", "sgd"},
                                     {"model.layers", layers}}));
    const auto size = static_cast<std::size_t>(run.trainer.network().layout().size());
    const auto memory = std::make_shared<std::vector<Real>>(size, std::numeric_limits<Real>::quiet_NaN());
    run.trainer.restore({.steps_done = 0, .vectors = {{"parameters", *memory}}, .memory = memory});
    const Json seen = run.trainer.examine(all_of(*run.problem->test), "test");
    EXPECT_EQ(seen["nonfinite"], 20);
    EXPECT_EQ(seen["nonfinite_samples"], (Json{0, 1, 2, 3, 4, 5, 6, 7}));
    if (classifies) {
      EXPECT_EQ(seen["confusion"], Json::parse("[[0,0,0],[0,0,0],[0,0,0]]"));
      EXPECT_TRUE(seen["worst"][0]["predicted"].is_null());
      EXPECT_EQ(Json::parse(seen.dump())["worst"][0]["loss"], nullptr);
    } else {
      EXPECT_EQ(Json::parse(seen.dump())["predictions"][0], nullptr);
    }
  }
}

TEST(Predictions, OfSeveralLabelsAreNotShown) {
  TrainingRun run(test::config_of({{"data.source", "tags"},
                                   {"data.classes", "3"},
                                   {"model.layers", "linear 3"},
                                   {"train.micro-batches", "2"}}));
  EXPECT_TRUE(run.trainer.examine(all_of(*run.problem->test), "test").is_null());
}

// Weights 0, 1 and -2: 128, then halfway to 255 and all the way to 1.
TEST(Filters, AreTheWindowsOfTheFirstConvolution) {
  Network network("conv 2 3, flatten, linear 3", Shape(std::vector<Index>{3, 4, 4}));
  const std::span<Real> weights = network.parameters();
  std::fill(weights.begin(), weights.end(), Real(0));
  weights[27] = 1;        // filter 1, red, first pixel
  weights[27 + 17] = -2;  // green, last pixel
  const auto filters = first_filters(network);
  EXPECT_EQ(filters.at("tensor"), "0.weight");
  EXPECT_EQ(filters.at("filters"), 2);
  ASSERT_EQ(filters.at("pictures").size(), 2U);
  const auto pixels = [&](std::size_t i) {
    return filters.at("pictures")[i].at("pixels").get<std::string>();
  };
  std::vector<std::uint8_t> expected(27, 128);
  EXPECT_EQ(pixels(0), base64(std::as_bytes(std::span(expected))));
  expected[0] = 192;  // 191.5, away from zero
  expected[25] = 1;
  EXPECT_EQ(pixels(1), base64(std::as_bytes(std::span(expected))));
  EXPECT_EQ(filters.at("pictures")[1].at("channels"), 3);
  EXPECT_EQ(filters.at("pictures")[1].at("width"), 3);
}

TEST(Filters, AreNoneWithoutWindowsOfAPicture) {
  EXPECT_TRUE(first_filters(Network("linear 3", 4)).is_null());
  EXPECT_TRUE(
      first_filters(Network("conv 2 1, flatten, linear 3", Shape(std::vector<Index>{3, 4, 4}))).is_null());
  EXPECT_TRUE(
      first_filters(Network("conv 2 3, flatten, linear 3", Shape(std::vector<Index>{2, 4, 4}))).is_null());
}

}  // namespace
}  // namespace lockstep
