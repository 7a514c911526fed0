// Measures of answers that are given: the features of each sample are the outputs of a linear layer whose
// weights are the identity.

#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data_helpers.hpp"
#include "lockstep/nn/losses.hpp"
#include "nn_helpers.hpp"
#include "train/evaluation/measures.hpp"
#include "weighted_squares.hpp"

namespace lockstep {
namespace {

using nlohmann::json;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Samples whose features are `outputs` [samples x outputs].
DatasetContent answers_of(Task task, std::vector<float> outputs, Index width) {
  DatasetContent content;
  content.description = {.name = "answers",
                         .task = task,
                         .storage = Storage::kFloats,
                         .samples = std::ssize(outputs) / width,
                         .feature_shape = {width},
                         .classes = task == Task::kClassification ? width : 0,
                         .targets = task == Task::kClassification ? 1 : width};
  content.values = std::move(outputs);
  return content;
}

Evaluation evaluate_answers(DatasetContent content, const Loss& loss,
                            const SampleNormalization& normalization = {}) {
  const Dataset data = make_dataset(std::move(content));
  const Index width = data.description().features();
  Network network("linear " + std::to_string(width), shape_of(data.description()));
  for (Index k = 0; k < width; ++k) network.parameters()[static_cast<std::size_t>(k * width + k)] = 1;
  return evaluate(network, loss, normalization, all_of(data), *make_single_communicator());
}

Evaluation of_classes(std::vector<float> outputs, Index classes, std::vector<std::int32_t> labels,
                      const Loss& loss) {
  DatasetContent content = answers_of(Task::kClassification, std::move(outputs), classes);
  content.labels = std::move(labels);
  return evaluate_answers(std::move(content), loss);
}

Evaluation of_targets(Task task, std::vector<float> outputs, std::vector<float> targets, Index width,
                      const SampleNormalization& normalization = {}) {
  DatasetContent content = answers_of(task, std::move(outputs), width);
  content.targets = std::move(targets);
  return evaluate_answers(std::move(content), *choose_loss("auto", {}, task).loss, normalization);
}

const json& golden() {
  static const json all = test::read_golden("measures.json");
  return all;
}

/// Of `score` of each, with 0 in the place of what cannot be divided, as scikit-learn has it.
template <typename Scores>
std::vector<double> each(const std::vector<Scores>& all, double Scores::*score) {
  std::vector<double> values;
  values.reserve(all.size());
  for (const Scores& one : all) values.push_back(std::isnan(one.*score) ? 0 : one.*score);
  return values;
}

constexpr double kRounding = 1e-12;

TEST(Measures, OfClassesAreThoseOfScikitLearn) {
  for (const std::string name : {"classes", "binary"}) {
    SCOPED_TRACE(name);
    const json& expected = golden().at(name);
    const Evaluation found = of_classes(expected.at("outputs"), std::ssize(expected.at("f1")),
                                        expected.at("labels"), *make_cross_entropy(0.1));
    EXPECT_NEAR(found.accuracy.value_or(kNan), expected.at("accuracy").get<double>(), kRounding);
    for (const std::string measure : {"balanced_accuracy", "macro_f1", "log_loss"}) {
      EXPECT_NEAR(found.measure(measure).value_or(kNan), expected.at(measure).get<double>(), kRounding)
          << measure;
    }
    EXPECT_EQ(found.measure("auc").has_value(), expected.contains("auc"));
    const double area = expected.value("auc", 0.0);
    EXPECT_NEAR(found.measure("auc").value_or(0), area, kRounding);
    const auto near = [&](const std::string& key) {
      return Pointwise(DoubleNear(kRounding), expected.at(key).get<std::vector<double>>());
    };
    EXPECT_THAT(each(found.classes, &ClassScores::precision), near("precision"));
    EXPECT_THAT(each(found.classes, &ClassScores::recall), near("recall"));
    EXPECT_THAT(each(found.classes, &ClassScores::f1), near("f1"));
  }
}

TEST(Measures, OfLabelsAreThoseOfScikitLearn) {
  const json& expected = golden().at("labels");
  const Evaluation found = of_targets(Task::kMultiLabel, expected.at("outputs"), expected.at("targets"), 3);
  ASSERT_EQ(found.measures.size(), 1U);
  EXPECT_NEAR(found.measure("auc").value_or(kNan), expected.at("auc").get<double>(), kRounding);
}

TEST(Measures, OfTargetsAreThoseOfScikitLearnInTheUnitsOfTheData) {
  const json& expected = golden().at("regression");
  const Normalization normalization = {{0, 4096}, {1, 1.0 / 64}};  // exact in float
  for (const SampleNormalization& both : {SampleNormalization{}, {normalization, normalization}}) {
    const Evaluation found =
        of_targets(Task::kRegression, expected.at("outputs"), expected.at("targets"), 2, both);
    const auto expect = [&](const std::string& name, double TargetScores::*score) {
      const auto values = expected.at(name).get<std::vector<double>>();
      EXPECT_THAT(each(found.targets, score), ElementsAre(DoubleNear(values[0], kRounding * 100),
                                                          DoubleNear(values[1], kRounding * 100)));
      EXPECT_NEAR(found.measure(name).value_or(kNan), (values[0] + values[1]) / 2, kRounding * 100) << name;
    };
    expect("rmse", &TargetScores::rmse);
    expect("mae", &TargetScores::mae);
    expect("r2", &TargetScores::r2);
  }
}

TEST(Measures, LogLossIsLeftOutWhereItIsTheLoss) {
  EXPECT_FALSE(of_classes({0, 1}, 2, {1}, *make_cross_entropy(0)).measure("log_loss").has_value());
}

// Probability 1/2 twice, one right: bin 7 has nothing over. Probability 3/4 three times, all right: 3/4 over.
TEST(Measures, CalibrationIsThatOfBinsOfProbabilities) {
  const auto of_three = static_cast<float>(std::log(3.0));
  const Evaluation found = of_classes({0, 0, 0, 0, of_three, 0, 0, of_three, of_three, 0}, 2, {0, 1, 0, 1, 0},
                                      *make_cross_entropy(0));
  EXPECT_NEAR(found.measure("calibration_error").value_or(kNan), 0.75 / 5, 1e-6);
  EXPECT_EQ(calibration_bin(0), 0U);
  EXPECT_EQ(calibration_bin(0.2), 2U) << "bins have their upper ends";
  EXPECT_EQ(calibration_bin(0.21), 3U);
  EXPECT_EQ(calibration_bin(1), 14U);
}

TEST(Measures, ALossWithoutProbabilitiesHasNoneOfThem) {
  const Evaluation found = of_classes({0, 1, 1, 0}, 2, {1, 1}, test::WeightedSquares());
  EXPECT_FALSE(found.measure("log_loss").has_value());
  EXPECT_FALSE(found.measure("calibration_error").has_value());
  EXPECT_EQ(found.measure("balanced_accuracy"), 0.5);
}

TEST(Measures, WhatIsNotDefinedIsNoNumber) {
  const Evaluation one_class = of_classes({0, 1, 1, 0}, 2, {1, 1}, *make_cross_entropy(0));
  EXPECT_TRUE(std::isnan(one_class.measure("auc").value()));
  EXPECT_TRUE(std::isnan(one_class.classes[0].recall));
  EXPECT_EQ(one_class.measure("balanced_accuracy"), 0.5) << "of the class that there is";
  const Evaluation constant = of_targets(Task::kRegression, {1, 2}, {3, 3}, 1);
  EXPECT_TRUE(std::isnan(constant.measure("r2").value()));
  EXPECT_EQ(constant.measure("mae"), 1.5);
  nlohmann::ordered_json line;
  add_results(line, constant);
  EXPECT_TRUE(json::parse(line.dump()).at("r2").is_null());
}

TEST(Measures, OfAnswersThatAreNotFiniteAreNoNumbers) {
  const float bad = std::numeric_limits<float>::quiet_NaN();
  const Evaluation classes = of_classes({0, 1, bad, 0}, 2, {1, 0}, *make_cross_entropy(0.1));
  for (const std::string measure : {"auc", "log_loss", "calibration_error"}) {
    EXPECT_TRUE(std::isnan(classes.measure(measure).value())) << measure;
  }
  EXPECT_EQ(classes.measure("balanced_accuracy"), 0.5) << "a wrong answer";
  EXPECT_TRUE(
      std::isnan(of_targets(Task::kMultiLabel, {1, bad, 0, 1}, {1, 1, 0, 0}, 2).measure("auc").value()));
  EXPECT_TRUE(std::isnan(of_targets(Task::kRegression, {1, bad}, {3, 4}, 1).measure("rmse").value()));
}

TEST(Measures, EqualScoresCountHalf) {
  EXPECT_EQ(area_under_curve({1}, {1}), 0.5);
  // Pairs: 2 > 1, 2 = 2, 3 > 1, 3 > 2: 3.5 of 4.
  EXPECT_EQ(area_under_curve({2, 3}, {1, 2}), 3.5 / 4);
}

// Far from 0, sums of squares would lose all digits: targets 1e7, 1e7 + 1 and so on; each answer 1 too large.
TEST(Measures, OfTargetsFarFromZeroKeepTheirDigits) {
  constexpr int kSamples = 1025;
  std::vector<float> targets;
  std::vector<float> outputs;
  for (int i = 0; i < kSamples; ++i) {
    targets.push_back(1e7F + static_cast<float>(i));
    outputs.push_back(targets.back() + 1);
  }
  const Evaluation found = of_targets(Task::kRegression, outputs, targets, 1);
  EXPECT_EQ(found.measure("rmse"), 1);
  EXPECT_NEAR(found.measure("r2").value_or(kNan), 1 - 12.0 / (1.0 * kSamples * kSamples - 1), kRounding);
}

}  // namespace
}  // namespace lockstep
