// Which samples evaluate takes, against what the run itself has measured on them.

#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

class EvaluatePartTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string training = "x,y\n";
    std::string test = "x,y\n";
    for (int i = 0; i < 60; ++i) training += fmt::format("{},{}\n", i % 13, i % 3 == 0 ? "no" : "yes");
    for (int i = 0; i < 9; ++i) test += fmt::format("{},{}\n", i, i % 2 == 0 ? "no" : "yes");
    folder_.write("training.csv", training);
    folder_.write("test.csv", test);
    const Outcome outcome =
        run_lockstep(0,
                     {"train", "--run.dir", "run", "--data.source", "training.csv", "--data.test", "test.csv",
                      "--data.validation", "0.25", "--data.seed", "7", "--model.layers",
                      "linear 4, tanh, linear 2", "--train.batch-size", "9", "--train.epochs", "3"},
                     folder_);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  /// As JSON.
  Outcome evaluate(int ranks, const Words& words) const {
    return run_lockstep(ranks, Words{"evaluate", "--json"} + words, folder_);
  }

  static nlohmann::json line_of(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return nlohmann::json::parse(outcome.out);
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluatePartTest, ThatIsHeldOutIsWhatTheRunHasMeasured) {
  const nlohmann::json step = metrics(folder_, "run", "end").at(0).at("best").at("step");
  for (const auto& [part, samples] : {std::pair("validation", 15), {"test", 9}}) {
    nlohmann::json measured;
    for (const auto& line : metrics(folder_, "run", "evaluation")) {
      if (line.at("part") == part && line.at("step") == step) measured = line;
    }
    for (const int ranks : {0, 2, 3}) {
      Words words = {"--weights", "run", "--part", part};
      if (part == std::string("test"))
        words = words + Words{"--data.source", "training.csv", "--data.test", "test.csv"};
      const nlohmann::json line = line_of(evaluate(ranks, words));
      EXPECT_EQ(line.at("part"), part);
      EXPECT_EQ(line.at("samples"), samples);
      EXPECT_EQ(line.at("loss"), measured.at("loss"));
      for (const char* const measure :
           {"accuracy", "balanced_accuracy", "macro_f1", "auc", "calibration_error"}) {
        EXPECT_EQ(line.at(measure), measured.at(measure)) << measure;
      }
    }
  }
}

TEST_F(EvaluatePartTest, IsPrintedForPeopleWithoutJson) {
  const Words words = {"evaluate", "--weights", "run", "--part", "validation"};
  const nlohmann::json json = line_of(run_lockstep(0, words + Words{"--json"}, folder_));
  for (const int ranks : {0, 3}) {
    const Outcome outcome = run_lockstep(ranks, words, folder_);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const auto expect_line = [&](const std::string& line) {
      EXPECT_NE(("\n" + outcome.out).find("\n" + line + "\n"), std::string::npos) << line << "\n in \n"
                                                                                  << outcome.out;
    };
    expect_line("weights            run/best.safetensors");
    expect_line(fmt::format("accuracy           {:.2f}%", 100 * json.at("accuracy").get<double>()));
    expect_line(fmt::format("macro F1           {:.5g}", json.at("macro_f1").get<double>()));
    expect_line(fmt::format("AUC                {:.5g}", json.at("auc").get<double>()));
    const auto of_class = [&](std::size_t k, const char* key) {
      const nlohmann::json& value = json.at("classes").at(k).at(key);
      return value.is_null() ? "-" : fmt::format("{:.4f}", value.get<double>());
    };
    expect_line("class    samples  precision     recall         F1");
    for (const std::size_t k : {0, 1}) {
      const nlohmann::json& entry = json.at("classes").at(k);
      expect_line(fmt::format("{:5}  {:>9}  {:>9}  {:>9}  {:>9}", entry.at("class").get<std::string>(),
                              entry.at("samples").get<int>(), of_class(k, "precision"), of_class(k, "recall"),
                              of_class(k, "f1")));
    }
  }
}

TEST_F(EvaluatePartTest, IsNamedAlsoWhereNoneIsAskedFor) {
  const Words weights = {"--weights", "run", "--data.source", "training.csv"};
  const nlohmann::json all = line_of(evaluate(0, weights));
  EXPECT_EQ(all.at("part"), "all");
  EXPECT_EQ(all.at("samples"), 60);
  const nlohmann::json test = line_of(evaluate(0, weights + Words{"--data.test", "test.csv"}));
  EXPECT_EQ(test.at("part"), "test");
  EXPECT_EQ(test.at("samples"), 9);
  const nlohmann::json asked =
      line_of(evaluate(0, weights + Words{"--data.test", "test.csv", "--part", "all"}));
  EXPECT_EQ(asked.at("loss"), all.at("loss"));
  EXPECT_EQ(asked.at("samples"), 60);
}

TEST_F(EvaluatePartTest, OfAWeightsFileNeedsTheConfigurationOfItsRun) {
  const Words file = {"--weights", "run/best.safetensors", "--part", "validation"};
  expect_one_line(evaluate(2, file), 2,
                  "--part validation: run/best.safetensors alone does not say which samples were held out");
  const nlohmann::json line = line_of(evaluate(0, file + Words{"--config", "run/config.cfg"}));
  EXPECT_EQ(line.at("loss"), line_of(evaluate(0, {"--weights", "run", "--part", "validation"})).at("loss"));
}

TEST_F(EvaluatePartTest, OfWeightsWithoutTheirOptionsName) {
  EXPECT_EQ(line_of(evaluate(0, {"run", "--part", "validation"})),
            line_of(evaluate(0, {"--weights", "run", "--part", "validation"})));
  expect_one_line(evaluate(0, {"run", "training.csv"}), 2, "'training.csv': unexpected; settings are given");
  expect_one_line(evaluate(0, {"--weights", "run", "other"}), 2, "'other': unexpected; settings are given");
}

TEST_F(EvaluatePartTest, OfDataThatHaveGrownIsRefused) {
  std::ofstream(folder_.path() / "training.csv", std::ios::app) << "12,yes\n";
  expect_one_line(evaluate(2, {"--weights", "run", "--part", "validation"}), 2,
                  "training.csv: its training samples have other means and deviations");
  EXPECT_EQ(line_of(evaluate(0, {"--weights", "run", "--data.source", "training.csv"})).at("samples"), 61);
}

TEST_F(EvaluatePartTest, OfARunOnMadeUpDataHasTheTaskOfThese) {
  for (const std::string source : {"tags", "linear"}) {
    const Words training = {"train", "--run.dir",         source, "--data.source",  source, "--data.samples",
                            "50",    "--data.validation", "0.2",  "--train.epochs", "1"};
    ASSERT_EQ(run_lockstep(0, training, folder_).exit_code, 0);
    EXPECT_EQ(line_of(evaluate(0, {"--weights", source, "--part", "validation"})).at("samples"), 10);
  }
}

TEST_F(EvaluatePartTest, ThatIsNotThereIsRefused) {
  const Words run = {"--weights", "run"};
  expect_one_line(evaluate(0, run + Words{"--part", "training"}), 2,
                  "--part training: expected validation, test or all");
  expect_one_line(evaluate(3, run + Words{"--part", "test", "--data.source", "training.csv"}), 2,
                  "--part test: data.source = training.csv has no test part");
  expect_one_line(evaluate(0, run + Words{"--part", "validation", "--data.source", "test.csv"}), 2,
                  "data.source = test.csv (on the command line): the run held samples out of its own data");
  ASSERT_EQ(run_lockstep(0, small_training("whole"), folder_).exit_code, 0);
  expect_one_line(evaluate(2, {"--weights", "whole", "--part", "validation"}), 2,
                  "held out no samples (data.validation, data.fold)");
}

}  // namespace
}  // namespace lockstep::test
