// Runs that stop early and keep their best weights: by which evaluation, with the same bytes on any number of
// ranks and however often they were killed.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "long_run.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class EarlyStoppingTest : public testing::Test {
 protected:
  /// Of a few epochs: the validation loss is soon at its least.
  static Words short_training(const std::string& run_dir) {
    return long_training(run_dir) + Words{"--train.steps",      "2000", "--train.patience",  "3",
                                          "--checkpoint.every", "20",   "--checkpoint.keep", "100"};
  }

  void train(int ranks, const Words& words) const {
    const Outcome outcome = run_lockstep(ranks, words, folder_);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  fs::path file(const std::string& name) const { return folder_.path() / name; }

  /// The validation part's lines in the metrics of `run_dir`, those of the average or of the weights.
  std::vector<Json> validations(const std::string& run_dir, bool of_average) const {
    std::vector<Json> lines = metrics(folder_, run_dir, "evaluation");
    std::erase_if(lines, [&](const Json& line) {
      return line.at("part") != "validation" || line.contains("weights") != of_average;
    });
    return lines;
  }

  Json end_of(const std::string& run_dir) const { return metrics(folder_, run_dir, "end").at(0); }

  Json evaluate(const std::string& weights) const {
    const Outcome outcome = run_lockstep(
        2, {"evaluate", "--json", "--weights", weights, "--part", "validation", "--config", "run/config.cfg"},
        folder_);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out);
  }

  void expect_same_run(const std::string& run_dir, const std::string& as) const {
    EXPECT_EQ(what_was_computed(folder_, run_dir), what_was_computed(folder_, as));
    for (const std::string name : {"/best.safetensors", "/weights.safetensors", "/average.safetensors"}) {
      EXPECT_TRUE(content_of(file(run_dir + name)) == content_of(file(as + name))) << run_dir << name;
    }
  }

  TemporaryFolder folder_;
};

/// Index of the first of the smallest.
std::size_t first_least(const std::vector<Json>& lines, const char* figure, double sign) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (sign * lines[i].at(figure).get<double>() < sign * lines[best].at(figure).get<double>()) best = i;
  }
  return best;
}

TEST_F(EarlyStoppingTest, EndsPatienceEvaluationsAfterTheBestWhoseWeightsItKeeps) {
  train(2, short_training("run"));
  const std::vector<Json> lines = validations("run", true);
  const std::size_t best = first_least(lines, "loss", 1);
  ASSERT_EQ(lines.size(), best + 1 + 3);
  const Json end = end_of("run");
  EXPECT_EQ(end.at("steps"), lines.back().at("step"));
  EXPECT_LT(end.at("steps"), 2000);
  EXPECT_EQ(end.at("stopped_early"), true);
  EXPECT_EQ(end.at("best"), (Json{{"step", lines[best].at("step")},
                                  {"epoch", lines[best].at("epoch")},
                                  {"validation_loss", lines[best].at("loss")}}));

  const Json stored = Json::parse(run_lockstep(0, {"inspect", "run/best.safetensors"}, folder_).out);
  const Json& facts = stored.at("metadata");
  EXPECT_EQ(facts.at("step"), std::to_string(lines[best].at("step").get<int>()));
  EXPECT_EQ(std::stod(facts.at("epoch").get<std::string>()), lines[best].at("epoch"));
  EXPECT_EQ(std::stod(facts.at("validation_loss").get<std::string>()), lines[best].at("loss"));

  const Json of_run = evaluate("run");
  EXPECT_EQ(of_run.at("weights"), "run/best.safetensors");
  EXPECT_EQ(of_run.at("loss"), lines[best].at("loss"));
  EXPECT_EQ(evaluate("run/weights.safetensors").at("loss"), validations("run", false).back().at("loss"));
  EXPECT_EQ(evaluate("run/average.safetensors").at("loss"), lines.back().at("loss"));
}

TEST_F(EarlyStoppingTest, IsTheSameOnAnyRanks) {
  train(0, short_training("alone"));
  for (const int ranks : {2, 3, 5}) {
    const std::string run_dir = "on-" + std::to_string(ranks);
    train(ranks, short_training(run_dir));
    expect_same_run(run_dir, "alone");
  }
}

TEST_F(EarlyStoppingTest, ByAccuracyTheFirstOfTheLargestIsTheBest) {
  train(3, short_training("run") + Words{"--train.watch", "accuracy", "--optimizer.average", "0"});
  const std::vector<Json> lines = validations("run", false);
  const std::size_t best = first_least(lines, "accuracy", -1);
  EXPECT_EQ(lines.size(), best + 1 + 3);
  EXPECT_EQ(end_of("run").at("best"), (Json{{"step", lines[best].at("step")},
                                            {"epoch", lines[best].at("epoch")},
                                            {"validation_accuracy", lines[best].at("accuracy")}}));
  EXPECT_EQ(evaluate("run").at("loss"), lines[best].at("loss"));
}

// What a kill leaves: a checkpoint of some step, metrics and best weights of a later one.
TEST_F(EarlyStoppingTest, GoesOnFromEveryCheckpointToTheSameEnd) {
  train(0, short_training("whole") + Words{"--checkpoint.best", "true"});
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(file("whole/checkpoints"))) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  const std::string best = file_name_of(end_of("whole").at("best").at("step"));
  ASSERT_LT(names.front(), best);
  ASSERT_GT(names.back(), best);
  int ranks = 0;
  for (const std::string& newest : names) {
    SCOPED_TRACE(newest);
    fs::remove_all(file("run"));
    fs::copy(file("whole"), file("run"), fs::copy_options::recursive);
    for (const std::string& name : names) {
      if (name > newest) fs::remove(file("run/checkpoints") / name);
    }
    const Outcome outcome = run_lockstep(ranks, {"train", "--resume", "run"}, folder_);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    expect_same_run("run", "whole");
    ranks = (ranks + 2) % 5;  // 0, 2, 4, 1, 3
  }
}

TEST_F(EarlyStoppingTest, KillsLeaveNoTrace) {
  // Which improves in hundreds of epochs, so that most kills come between a best evaluation and a checkpoint.
  const auto words = [](const std::string& run_dir) {
    return long_training(run_dir) + Words{"--data.validation",         "0.3",   "--optimizer.name",   "sgd",
                                          "--optimizer.learning-rate", "0.005", "--train.steps",      "20000",
                                          "--train.patience",          "40",    "--checkpoint.every", "500"};
  };
  train(0, words("whole"));
  EXPECT_EQ(end_of("whole").at("stopped_early"), true);
  fs::path last;
  for (const int ranks : {2, 0, 3}) {
    Process process(command_line(ranks, words("run") + Words{"--run.resume", "true"}), folder_.path());
    ASSERT_TRUE(wait_for_checkpoint(file("run"), last));
    for (const pid_t rank : ranks_of(ranks == 0 ? 0 : process.id(), folder_.path())) kill(rank, SIGKILL);
    EXPECT_NE(process.wait(20).exit_code, 0);
    ASSERT_TRUE(wait_until(20, [&] { return !is_running(file("run")); }));
    last = newest_checkpoint(file("run"));
  }
  EXPECT_TRUE(metrics(folder_, "run", "end").empty()) << "killed too late to show anything";
  train(2, words("run") + Words{"--run.resume", "true"});
  EXPECT_EQ(metrics(folder_, "run", "resume").size(), 3U);
  expect_same_run("run", "whole");
}

TEST_F(EarlyStoppingTest, GoesOnWithMorePatience) {
  train(2, short_training("run"));
  const Json stopped = end_of("run");
  // Again to the same end, and not a step further.
  train(3, {"train", "--resume", "run"});
  EXPECT_EQ(end_of("run").at("steps"), stopped.at("steps"));

  expect_one_line(run_lockstep(2, {"train", "--resume", "run", "--train.patience", "2"}, folder_), 2,
                  "train.patience = 2: the run was started with 3 and might have stopped earlier");
  expect_one_line(run_lockstep(0, {"train", "--resume", "run", "--train.watch", "accuracy"}, folder_), 2,
                  "train.watch was loss, is accuracy");
  train(3, {"train", "--resume", "run", "--train.patience", "0", "--train.steps", "500"});
  train(0, short_training("never") + Words{"--train.patience", "0", "--train.steps", "500"});
  expect_same_run("run", "never");
}

TEST_F(EarlyStoppingTest, WithoutAValidationPartTheLastWeightsStandForTheRun) {
  train(2, small_training("run"));
  EXPECT_FALSE(fs::exists(file("run/best.safetensors")));
  EXPECT_FALSE(end_of("run").contains("best"));
  EXPECT_FALSE(end_of("run").contains("stopped_early"));
  const Outcome outcome =
      run_lockstep(0, {"evaluate", "--json", "--weights", "run", "--data.source", "blobs"}, folder_);
  EXPECT_EQ(Json::parse(outcome.out).at("weights"), "run/weights.safetensors") << outcome.err;
}

TEST_F(EarlyStoppingTest, BestWeightsThatCannotBeWrittenCostNothingElse) {
  fs::create_directories(file("run/best.safetensors/in the way"));
  const Outcome outcome = run_lockstep(2, short_training("run"), folder_);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("run/best.safetensors: not written"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("does not hold these weights"), std::string::npos) << outcome.err;
  const std::size_t first = outcome.err.find("best.safetensors: not written");
  EXPECT_EQ(outcome.err.find("best.safetensors: not written", first + 1), std::string::npos) << outcome.err;
  train(0, short_training("free"));
  EXPECT_EQ(what_was_computed(folder_, "run"), what_was_computed(folder_, "free"));
}

}  // namespace
}  // namespace lockstep::test
