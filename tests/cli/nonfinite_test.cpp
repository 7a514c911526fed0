// A sample that no float can take: the run stops with its state saved, or goes on without the step.

#include <regex>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "long_run.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

constexpr int kBad = 17;
constexpr int kSamples = 40;

class NonFiniteRunTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string table;
    for (int sample = 0; sample < kSamples; ++sample) {
      table += sample == kBad ? "3e38,3e38,3e38,1\n"
                              : fmt::format("{},{},1,{}\n", sample % 5, sample % 3, sample % 2);
    }
    folder_.write("table.csv", table);
  }

  /// Of three epochs of five steps. In a sum of 48e38 and more some of 16 units overflow.
  static Words training(const std::string& run_dir) {
    return {"train",
            "--run.dir",
            run_dir,
            "--data.source",
            "table.csv",
            "--data.normalize",
            "none",
            "--model.layers",
            "linear 16, relu, linear 2",
            "--train.batch-size",
            "8",
            "--train.micro-batches",
            "8",
            "--train.epochs",
            "3",
            "--optimizer.name",
            "adam",
            "--optimizer.average",
            "0.9"};
  }

  Outcome run(int ranks, const Words& words) const {
    Outcome outcome = run_lockstep(ranks, words, folder_);
    EXPECT_TRUE(ranks_of(0, folder_.path()).empty());
    EXPECT_FALSE(outcome.timed_out);
    return outcome;
  }

  /// What it says, but for the rank, and the command that goes on, which has the folder and the ranks.
  std::string message_of(const Outcome& outcome) const {
    expect_one_line(outcome, 3,
                    fmt::format(": 1 of its 1 samples, sample {}, from unit 0 (linear 16) on;", kBad));
    return std::regex_replace(outcome.err, std::regex("on rank [0-9]|with: .* train --resume run-[0-9]"), "");
  }

  TemporaryFolder folder_;
};

const Words kSkip = {"--train.on-nonfinite", "skip"};

TEST_F(NonFiniteRunTest, StopsAndGoesOnFromTheStateBeforeTheStep) {
  const Outcome undisturbed = run(0, training("undisturbed") + kSkip);
  EXPECT_EQ(undisturbed.exit_code, 0) << undisturbed.err;
  std::string message;
  for (const int ranks : {2, 3, 5}) {
    SCOPED_TRACE(ranks);
    const std::string name = fmt::format("run-{}", ranks);
    const std::string first = message_of(run(ranks, training(name)));
    if (message.empty()) message = first;
    EXPECT_EQ(first, message);

    const std::size_t done = metrics(folder_, name, "step").size();
    EXPECT_NE(message.find(fmt::format("step {}: the loss of micro-batch ", done + 1)), std::string::npos);
    EXPECT_EQ(newest_checkpoint(folder_.path() / name).filename().string(), file_name_of(done));
    EXPECT_NE(first.find("The state after step"), std::string::npos);

    EXPECT_EQ(message_of(run(7 - ranks, {"train", "--resume", name})), message);
    const Outcome end = run(ranks == 2 ? 5 : 2, Words{"train", "--resume", name} + kSkip);
    EXPECT_EQ(end.exit_code, 0) << end.err;
    EXPECT_EQ(what_was_computed(folder_, name), what_was_computed(folder_, "undisturbed"));
  }
}

TEST_F(NonFiniteRunTest, MetricsAndPageSayWhichStepsWereSkipped) {
  const Outcome outcome = run(3, training("run") + kSkip);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto steps = metrics(folder_, "run", "step");
  ASSERT_EQ(steps.size(), 15U);
  int skipped = 0;
  for (const auto& step : steps) {
    EXPECT_EQ(step.contains("skipped"), step.at("loss").is_null());
    skipped += step.value("skipped", false) ? 1 : 0;
  }
  EXPECT_EQ(skipped, 3) << "once an epoch";
  EXPECT_EQ(lines_of(outcome.err).size(), 3U) << outcome.err;
  EXPECT_EQ(outcome.out.find("training loss nan"), std::string::npos) << outcome.out;
  EXPECT_TRUE(fs::exists(folder_.path() / "run/report.html"));
}

// The bad sample is in every step.
TEST_F(NonFiniteRunTest, StopsBehindAsManySkippedStepsAsAreAllowed) {
  const Words words =
      training("run") + kSkip + Words{"--train.nonfinite-limit", "2", "--train.batch-size", "full"};
  const Outcome outcome = run(2, words);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(lines_of(outcome.err).size(), 3U) << outcome.err;
  EXPECT_NE(outcome.err.find("steps skipped in a row before it: 2;"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("epoch 2: no step taken"), std::string::npos) << outcome.out;
  EXPECT_EQ(newest_checkpoint(folder_.path() / "run").filename().string(), file_name_of(2));
  const Outcome resumed = run(5, {"train", "--resume", "run"});
  EXPECT_EQ(resumed.exit_code, 3);
  EXPECT_EQ(lines_of(resumed.err).size(), 1U) << resumed.err;
}

// The decay alone takes the weights times 1e8 a step, beyond all floats, and their gradient stays finite.
TEST_F(NonFiniteRunTest, WeightsThatAreNotFiniteAreNotSaved) {
  const Words words = {"train",    "--run.dir",
                       "run",      "--data.source",
                       "blobs",    "--model.layers",
                       "linear 4", "--train.steps",
                       "9",        "--optimizer.name",
                       "adamw",    "--optimizer.learning-rate",
                       "1e5",      "--optimizer.weight-decay",
                       "1e3",      "--checkpoint.every",
                       "5"};
  const std::string message = "step 5: the weights are no longer finite: 0.weight (linear 4)";
  expect_one_line(run(2, words), 3, message);
  EXPECT_TRUE(newest_checkpoint(folder_.path() / "run").empty());
}

/// Tables of which the last test sample is beyond what a product of floats can take.
class NonFiniteAnswersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string training = "x,y\n";
    for (int i = 0; i < 40; ++i) training += fmt::format("{},{}\n", 0.01 * i, i % 2);
    folder_.write("training.csv", training);
    folder_.write("test.csv", "x,y\n0.1,0\n0.2,1\n3e38,1\n");
  }

  Outcome train(const std::string& task, int outputs, const Words& more = {}) const {
    return run_lockstep(0,
                        Words{"train", "--run.dir", task, "--data.source", "training.csv", "--data.test",
                              "test.csv", "--data.label", "y", "--data.task", task, "--model.layers",
                              fmt::format("linear 8, relu, linear {}", outputs), "--train.batch-size", "20",
                              "--train.epochs", "3"} +
                            more,
                        folder_);
  }

  TemporaryFolder folder_;
};

TEST_F(NonFiniteAnswersTest, AreReportedOnceAndLeaveAPage) {
  for (const auto& [task, outputs] : {std::pair("regression", 1), {"classification", 2}}) {
    SCOPED_TRACE(task);
    const Outcome outcome = train(task, outputs);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
    EXPECT_NE(outcome.err.find(
                  "the test loss is not finite: outputs or loss of 1 of 3 samples are not finite (sample 2)"),
              std::string::npos)
        << outcome.err;
    EXPECT_NE(outcome.out.find("test loss not finite"), std::string::npos) << outcome.out;
    for (const auto& line : metrics(folder_, task, "evaluation")) {
      EXPECT_TRUE(line.at("loss").is_null());
      EXPECT_EQ(line.at("nonfinite"), 1);
      EXPECT_EQ(line.at("nonfinite_samples").at(0), 2);
    }
    EXPECT_TRUE(fs::exists(folder_.path() / task / "report.html"));
    EXPECT_EQ(run_lockstep(0, {"report", task}, folder_).exit_code, 0);

    const Outcome evaluated =
        run_lockstep(2,
                     {"evaluate", "--json", "--weights", fmt::format("{}/weights.safetensors", task),
                      "--data.source", "test.csv", "--data.label", "y"},
                     folder_);
    EXPECT_EQ(evaluated.exit_code, 3);
    EXPECT_NE(evaluated.err.find("the loss is not finite"), std::string::npos) << evaluated.err;
    EXPECT_NE(evaluated.out.find(R"("loss":null)"), std::string::npos) << evaluated.out;

    const Outcome predicted =
        run_lockstep(2, {"predict", "--weights", task, "--data.source", "test.csv"}, folder_);
    expect_one_line(predicted, 3, "test.csv: outputs of 1 of 3 samples are not finite (sample 2)");
    EXPECT_EQ(lines_of(predicted.out).size(), 4U) << predicted.out;
  }
}

TEST_F(NonFiniteAnswersTest, AreNeverTheBest) {
  std::string table = "x,y\n";
  for (int i = 0; i < 40; ++i) table += fmt::format("{},{}\n", i % 2 == 0 ? "3e38" : "-3e38", i % 2);
  folder_.write("training.csv", table);
  const Words words = {"--data.validation",    "0.5",  "--data.normalize",  "none",
                       "--train.on-nonfinite", "skip", "--checkpoint.best", "true"};
  const Outcome outcome = train("classification", 2, words);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("the validation loss was never finite"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(folder_.path() / "classification/best.safetensors"));
  EXPECT_FALSE(fs::exists(folder_.path() / "classification/checkpoints"));
}

}  // namespace
}  // namespace lockstep::test
