// Runs that are killed, stopped, damaged and changed, and go on.

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "long_run.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class ResumeTest : public testing::Test {
 protected:
  fs::path run() const { return folder_.path() / "run"; }

  /// A run of LongRun that was stopped by SIGUSR1 in its first half.
  void leave_a_stopped_run(const Words& more = {}) {
    Process process(command_line(0, long_training("run") + more), folder_.path());
    ASSERT_TRUE(wait_for_step(run(), 30));
    process.send(SIGUSR1);
    EXPECT_EQ(process.wait(20).exit_code, 4);
  }

  Outcome resume(int ranks, const Words& more = {}) {
    return run_lockstep(ranks, Words{"train", "--resume", "run"} + more, folder_);
  }

  /// The run ends, on `ranks` ranks, as the one that never stopped.
  void expect_goes_on(int ranks, const Words& more = {}) {
    const Outcome outcome = resume(ranks, more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("resume   after step"), std::string::npos) << outcome.out;
    expect_same_metrics(folder_, "run");
  }

  std::vector<fs::path> checkpoints() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(run() / "checkpoints")) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  /// What all ranks of `process` may write to one file from here on.
  void limit_files(const Process& process, int ranks, rlim_t bytes) const {
    const std::vector<pid_t> all =
        ranks == 0 ? std::vector<pid_t>{process.id()} : ranks_of(process.id(), folder_.path());
    EXPECT_EQ(all.size(), static_cast<std::size_t>(std::max(ranks, 1)));
    const rlimit limit{bytes, RLIM_INFINITY};
    for (const pid_t rank : all) EXPECT_EQ(prlimit(rank, RLIMIT_FSIZE, &limit, nullptr), 0);
  }

  TemporaryFolder folder_;
};

constexpr rlim_t kFull = 1024;

TEST_F(ResumeTest, AKilledRunGoesOnAsIfItHadNot) {
  fs::path last;
  for (const int ranks : {2, 0, 3}) {
    Process process(command_line(ranks, long_training("run") + Words{"--run.resume", "true"}),
                    folder_.path());
    ASSERT_TRUE(wait_for_checkpoint(run(), last));
    for (const pid_t rank : ranks_of(ranks == 0 ? 0 : process.id(), folder_.path())) kill(rank, SIGKILL);
    EXPECT_NE(process.wait(20).exit_code, 0);
    ASSERT_TRUE(wait_until(20, [&] { return !is_running(run()); }));
    last = newest_checkpoint(run());  // so that the next one is the next start's own
  }
  expect_goes_on(2, {"--train.exchange", "messages"});
  EXPECT_EQ(metrics(folder_, "run", "resume").size(), 3U);
}

struct Stop {
  int ranks = 0;
  int signal = 0;
  bool to_one_rank = false;
  bool goes_on = false;  // to the end, afterwards
};

// mpirun forwards SIGUSR1; of SIGTERM and SIGINT it makes SIGTERM for all ranks, and ends with its own code.
// That of Open MPI 5 prints nothing more of theirs then, and may not leave them the time for a checkpoint.
TEST_F(ResumeTest, ASignalStopsTheRunWithACheckpoint) {
  for (const Stop& stop : {Stop{0, SIGTERM, false}, Stop{0, SIGINT, false}, Stop{0, SIGUSR1, false},
                           Stop{2, SIGUSR1, false}, Stop{2, SIGTERM, false}, Stop{3, SIGINT, false},
                           Stop{5, SIGUSR1, false}, Stop{3, SIGTERM, true}, Stop{2, SIGINT, true, true}}) {
    SCOPED_TRACE(std::to_string(stop.ranks) + " ranks, signal " + std::to_string(stop.signal));
    fs::remove_all(run());
    // Without an end, as mpirun may take longer to hand a signal on than a fast machine for the run.
    const Words steps = stop.goes_on ? Words{} : Words{"--train.steps", "100000000"};
    Process process(command_line(stop.ranks, long_training("run") + Words{"--checkpoint.every", "0"} + steps),
                    folder_.path());
    ASSERT_TRUE(wait_for_step(run(), 30));
    if (stop.to_one_rank) {
      const std::vector<pid_t> ranks = ranks_of(process.id(), folder_.path());
      ASSERT_EQ(ranks.size(), static_cast<std::size_t>(stop.ranks));
      kill(ranks.back(), stop.signal);
    } else {
      process.send(stop.signal);
    }
    const Outcome outcome = process.wait(20);
    const bool by_mpirun = stop.ranks > 0 && !stop.to_one_rank && stop.signal != SIGUSR1;
    EXPECT_EQ(outcome.exit_code, by_mpirun ? 1 : 4) << outcome.err;
    if (by_mpirun && LOCKSTEP_OPEN_MPI_5) continue;  // it kills what takes longer than 0.25 s
    EXPECT_NE(outcome.err.find(": stopped after step "), std::string::npos) << outcome.err;
    EXPECT_EQ(checkpoints().size(), 1U);
    // Nothing after the checkpoint has been done.
    EXPECT_EQ(checkpoints()[0].filename().string(),
              file_name_of(metrics(folder_, "run", "step").back().at("step")));
  }
  expect_goes_on(3);
  // As in any run that has written one.
  EXPECT_EQ(checkpoints().back().filename().string(),
            file_name_of(metrics(folder_, "run", "end").back().at("steps")));
}

TEST_F(ResumeTest, ADamagedCheckpointIsPassedOver) {
  leave_a_stopped_run({"--checkpoint.every", "10"});
  ASSERT_GE(checkpoints().size(), 2U);
  fs::resize_file(checkpoints().back(), fs::file_size(checkpoints().back()) / 2);
  const Outcome outcome = resume(2);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.err.find("no checkpoint, or"), std::string::npos) << outcome.err;
  expect_same_metrics(folder_, "run");
}

TEST_F(ResumeTest, HalfALineOfMetricsIsNoProblem) {
  leave_a_stopped_run();
  std::ofstream(run() / "metrics.jsonl", std::ios::app) << "{\"event\":\"step\",\"st";
  expect_goes_on(0);
}

TEST_F(ResumeTest, TheTimeoutIsThatOfTheRun) {
  leave_a_stopped_run({"--run.timeout", "2"});
  const auto size = fs::file_size(run() / "metrics.jsonl");
  Process process(command_line(2, {"train", "--resume", "run"}), folder_.path());
  constexpr std::uintmax_t kSomeSteps = 1000;
  ASSERT_TRUE(wait_until(30, [&] { return fs::file_size(run() / "metrics.jsonl") > size + kSomeSteps; }));
  kill(ranks_of(process.id(), folder_.path()).back(), SIGSTOP);
  const Outcome outcome = process.wait(30);
  EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
  EXPECT_NE(outcome.err.find("the timeout of 2 s ends the run"), std::string::npos) << outcome.err;
}

TEST_F(ResumeTest, AnEndedRunEndsAgain) {
  leave_a_stopped_run();
  expect_goes_on(2);
  fs::remove(run() / "weights.safetensors");
  expect_goes_on(0);
  EXPECT_TRUE(fs::exists(run() / "weights.safetensors"));
}

TEST_F(ResumeTest, TheBestCheckpointIsKeptAndHoldsItsWeights) {
  const Words words = long_training("run") + Words{"--checkpoint.every", "0", "--checkpoint.best", "true",
                                                   "--checkpoint.keep",  "1", "--train.steps",     "300"};
  EXPECT_EQ(run_lockstep(2, words, folder_).exit_code, 0);
  Json best;
  for (const Json& line : metrics(folder_, "run", "evaluation")) {
    if (line.at("part") != "validation" || !line.contains("weights")) continue;
    if (best.is_null() || line.at("loss") < best.at("loss")) best = line;
  }
  const std::string file = "run/checkpoints/" + file_name_of(best.at("step"));
  ASSERT_TRUE(fs::exists(folder_.path() / file)) << file;
  const Json stored = Json::parse(run_lockstep(0, {"inspect", file}, folder_).out).at("metadata");
  EXPECT_EQ(stored.at("best_step"), std::to_string(best.at("step").get<int>()));
  EXPECT_EQ(std::stod(stored.at("best_value").get<std::string>()), best.at("loss"));

  for (const Json& line : metrics(folder_, "run", "evaluation")) {
    if (line.at("part") != "test" || line.at("step") != best.at("step") || line.contains("weights")) continue;
    const Outcome outcome =
        run_lockstep(0, {"evaluate", "--json", "--weights", file, "--config", "run/config.cfg"}, folder_);
    EXPECT_EQ(Json::parse(outcome.out).at("loss"), line.at("loss")) << outcome.err;
  }
}

TEST_F(ResumeTest, WhatWouldHaveBeenAnotherRunIsRefused) {
  leave_a_stopped_run();
  const std::vector<std::string> before = listing(folder_);
  const auto expect_refused = [&](const Words& more, const std::string& fragment) {
    for (const int ranks : {0, 3}) expect_one_line(resume(ranks, more), 2, fragment);
    EXPECT_EQ(listing(folder_), before);
  };
  expect_refused({"--optimizer.learning-rate", "0.5", "--train.seed", "3"},
                 "optimizer.learning-rate was 0.05, is 0.5, train.seed was 1, is 3");
  expect_refused({"--data.source", "tags"}, "holds other data");
  expect_refused({"--train.steps", "3"}, "3 steps are asked for");
  expect_refused({"--run.dir", "other"}, "names the run directory");
  expect_one_line(run_lockstep(9, {"train", "--resume", "run"}, folder_), 2, "allows at most 8 ranks");
  expect_one_line(run_lockstep(0, {"train", "--resume", "none"}, folder_), 2, "holds no checkpoint");
  expect_one_line(run_lockstep(0, long_training("run"), folder_), 2, "holds a run already");
  EXPECT_EQ(listing(folder_), before);
}

TEST_F(ResumeTest, ChangedDataAreRefused) {
  std::string table;
  for (int i = 0; i < 64; ++i) table += std::to_string(i * i % 17) + "," + std::to_string(i % 2) + "\n";
  folder_.write("a.csv", table);
  const Words words = {"train", "--run.dir",          "run",      "--data.source",
                       "a.csv", "--model.layers",     "linear 2", "--train.epochs",
                       "3",     "--train.batch-size", "16",       "--checkpoint.every",
                       "4"};
  EXPECT_EQ(run_lockstep(2, words, folder_).exit_code, 0);
  // The same data elsewhere are no change.
  fs::rename(folder_.path() / "a.csv", folder_.path() / "b.csv");
  EXPECT_EQ(resume(0, {"--data.source", "b.csv"}).exit_code, 0);
  table[0] = '1';
  folder_.write("b.csv", table);
  for (const int ranks : {0, 3})
    expect_one_line(resume(ranks, {"--data.source", "b.csv"}), 2, "holds other data");
}

TEST_F(ResumeTest, ARunThatStillGoesOnIsLeftAlone) {
  Process process(command_line(2, long_training("run") + Words{"--train.steps", "100000000"}),
                  folder_.path());
  ASSERT_TRUE(wait_for_checkpoint(run()));
  expect_one_line(resume(2), 2, "a run that still goes on");
  process.send(SIGUSR1);
  EXPECT_EQ(process.wait(20).exit_code, 4);
}

// A limit to the size of files, set and lifted while the run goes on, stands for a disk that fills: it needs
// no rights.
TEST_F(ResumeTest, AFullDiskCostsCheckpointsAndNotTheRun) {
  for (const int ranks : {0, 2}) {
    fs::remove_all(run());
    Process process(command_line(ranks, long_training("run") + Words{"--train.steps", "100000000"}),
                    folder_.path());
    ASSERT_TRUE(wait_for_checkpoint(run()));
    limit_files(process, ranks, kFull);
    EXPECT_TRUE(
        wait_until(20, [&] { return process.err().find("checkpoint not written") != std::string::npos; }));
    const fs::path before = newest_checkpoint(run());
    EXPECT_FALSE(before.empty());
    limit_files(process, ranks, RLIM_INFINITY);
    EXPECT_TRUE(wait_for_checkpoint(run(), before));
    process.send(SIGUSR1);
    const Outcome outcome = process.wait(20);
    EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
    EXPECT_NE(outcome.out.find("checkpoints are written again"), std::string::npos);
    for (const std::string said : {"checkpoint not written", "metrics.jsonl: cannot be written"}) {
      const std::size_t first = outcome.err.find(said);
      EXPECT_NE(first, std::string::npos) << outcome.err;
      EXPECT_EQ(outcome.err.find(said, first + 1), std::string::npos) << outcome.err;
    }
  }
}

TEST_F(ResumeTest, AFullDiskLeavesTheLastGoodCheckpoint) {
  Process process(command_line(2, long_training("run") + Words{"--checkpoint.keep", "1"}), folder_.path());
  ASSERT_TRUE(wait_for_checkpoint(run()));
  limit_files(process, 2, kFull);
  process.send(SIGUSR1);
  const Outcome outcome = process.wait(20);
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  EXPECT_NE(outcome.err.find("could not be written"), std::string::npos) << outcome.err;
  EXPECT_EQ(checkpoints().size(), 1U);
  expect_goes_on(3);
}

}  // namespace
}  // namespace lockstep::test
