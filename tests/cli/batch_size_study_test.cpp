// The study of the batch size as a person starts it.

#include <algorithm>
#include <map>
#include <regex>
#include <string>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

using Json = nlohmann::json;

/// Three batch sizes and three seeds, to an accuracy that takes a few dozen steps.
const Words kBatchSizes = {"batch-size",
                           "--data.source",
                           "blobs",
                           "--data.samples",
                           "300",
                           "--data.features",
                           "6",
                           "--data.classes",
                           "3",
                           "--model.layers",
                           "linear 8, relu, linear 3",
                           "--train.epochs",
                           "100",
                           "--optimizer.learning-rate",
                           "0.02",
                           "--batch-sizes",
                           "4:64:x4",
                           "--target",
                           "loss=0.35",
                           "--seeds",
                           "3"};

/// Without the time that is left, of which every line tells.
std::string without_rest(const std::string& printed) {
  return std::regex_replace(printed, std::regex("up to [0-9:]+ left"), "");
}

/// Lines without the figures that time gave.
std::vector<Json> without_seconds(std::vector<Json> lines) {
  for (Json& line : lines) line.erase("seconds");
  return lines;
}

TEST(BatchSizeStudyTest, HasTheSameTrainingsAtEveryRankCount) {
  const TemporaryFolder one;
  const TemporaryFolder three;
  const std::string printed = study_ok(1, kBatchSizes, one);
  EXPECT_EQ(without_rest(study_ok(3, kBatchSizes, three)), without_rest(printed));
  const std::vector<Json> lines = without_seconds(metrics(one, "study"));
  EXPECT_TRUE(without_seconds(metrics(three, "study")) == lines);

  // Every batch: all its seeds at the chosen rate reach the target, and its neighbours on the grid were
  // tried.
  std::map<int, std::map<double, std::vector<Json>>> runs;
  for (const Json& run : metrics(one, "study", "run"))
    runs[run.at("batch_size")][run.at("learning_rate")].push_back(run);
  EXPECT_EQ(runs.size(), 3U);
  for (const Json& batch : metrics(one, "study", "batch")) {
    const auto& rates = runs.at(batch.at("batch_size"));
    const double rate = batch.at("learning_rate");
    EXPECT_TRUE(rates.contains(2 * rate) && rates.contains(rate / 2)) << batch;
    std::vector<double> steps;
    for (const Json& run : rates.at(rate)) {
      EXPECT_EQ(run.at("end"), "reached");
      EXPECT_LE(run.at("measured"), 0.35);
      steps.push_back(run.at("steps"));
    }
    ASSERT_EQ(steps.size(), 3U);
    std::sort(steps.begin(), steps.end());
    EXPECT_EQ(batch.at("steps"), (Json{{"low", steps[0]}, {"median", steps[1]}, {"high", steps[2]}}));
    // No other rate of which all seeds were trained is better.
    for (const auto& [other, trainings] : rates) {
      std::vector<double> others;
      for (const Json& run : trainings)
        others.push_back(run.at("end") == "reached" ? run.at("steps").get<double>() : 1e9);
      std::sort(others.begin(), others.end());
      if (others.size() == 3) {
        EXPECT_GE(others[1], steps[1]) << other;
      }
    }
  }
  EXPECT_EQ(metrics(one, "study", "fit").size(), 3U);
}

TEST(BatchSizeStudyTest, HasTrainingsThatTheirCommandsRepeat) {
  const TemporaryFolder folder;
  study_ok(0, kBatchSizes, folder);
  const std::vector<Json> runs = metrics(folder, "study", "run");
  ASSERT_GE(runs.size(), 9U);
  for (const std::size_t i : {std::size_t{0}, runs.size() - 1}) {
    Words words = {"train", "--config", "study/config.cfg", "--run.dir", "run" + std::to_string(i)};
    for (const auto& [key, value] : runs[i].at("settings").items()) words = words + Words{"--" + key, value};
    words = words + Words{"--train.steps", std::to_string(runs[i].at("steps_done").get<int>())};
    EXPECT_EQ(run_lockstep(2, words, folder).exit_code, 0);
    EXPECT_EQ(metrics(folder, "run" + std::to_string(i), "end").at(0).at("weights_digest"),
              runs[i].at("weights_digest"));
  }
}

TEST(BatchSizeStudyTest, MaySkipTheSearchAndSaysSo) {
  const TemporaryFolder folder;
  const std::string printed =
      study_ok(0, kBatchSizes + Words{"--retune", "false", "--scaling", "sqrt"}, folder);
  EXPECT_NE(printed.find("NOT tuned again"), std::string::npos);
  std::map<int, double> rates;
  for (const Json& run : metrics(folder, "study", "run"))
    rates[run.at("batch_size")] = run.at("learning_rate");
  EXPECT_EQ(rates, (std::map<int, double>{{4, 0.02}, {16, 0.04}, {64, 0.08}}));
}

TEST(BatchSizeStudyTest, LeavesOutWhatMissesTheTarget) {
  const TemporaryFolder folder;
  const std::string printed = study_ok(
      0,
      kBatchSizes + Words{"--target", "loss=0.0001", "--train.epochs", "1", "--rates", "2", "--seeds", "1"},
      folder);
  EXPECT_NE(printed.find("Batch 64 did not reach loss=0.0001"), std::string::npos);
  EXPECT_NE(printed.find("Too few batch sizes reached the target"), std::string::npos);
  for (const Json& run : metrics(folder, "study", "run")) EXPECT_EQ(run.at("end"), "stopped");
  EXPECT_TRUE(metrics(folder, "study", "fit").empty());
}

// The target is reached with a step or two of any batch: nothing bounds a critical batch from below.
TEST(BatchSizeStudyTest, SaysNothingOfACriticalBatchThatNothingBounds) {
  const TemporaryFolder folder;
  const std::string printed =
      study_ok(0,
               {"batch-size", "--data.source", "blobs", "--data.samples", "100", "--model.layers", "linear 4",
                "--batch-sizes", "10,20,40", "--target", "loss=0.5", "--seeds", "1"},
               folder);
  EXPECT_NE(printed.find("show no critical batch"), std::string::npos) << printed;
  for (const std::string nonsense : {"at least at most", "Critical batch", "perfect", "1 seeds", "±"}) {
    EXPECT_EQ(printed.find(nonsense), std::string::npos) << nonsense << " in\n" << printed;
  }
  EXPECT_NE(printed.find("on test samples"), std::string::npos) << "there is no validation part";
  for (const Json& run : metrics(folder, "study", "run")) EXPECT_GE(run.at("steps"), 1) << run;
}

}  // namespace
}  // namespace lockstep::test
