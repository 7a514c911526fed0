// Whatever happens to a rank, the run ends, says once which rank it was, and leaves no process.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "long_run.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

/// The rank of a process that mpirun started, or -1.
int rank_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/environ");
  const std::string variables(std::istreambuf_iterator<char>(file), {});
  const std::string name = "OMPI_COMM_WORLD_RANK=";
  const std::size_t at = variables.find(name);
  return at == std::string::npos ? -1 : std::stoi(variables.substr(at + name.size()));
}

int lines_with(const std::string& fragment, const std::string& text) {
  const std::vector<std::string> lines = lines_of(text);
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(fragment) != std::string::npos;
  }));
}

class FaultTest : public testing::Test {
 protected:
  /// Unlike any other command line on the machine.
  std::string run_dir() const { return (folder_.path() / "run").string(); }

  Words endless_training(const Words& settings = {}) const {
    return long_training(run_dir()) + Words{"--train.steps", "100000000"} + settings;
  }

  /// Sends `signal` to `rank` of a training on `ranks` ranks that has a checkpoint; what becomes of it.
  Outcome disturb(int ranks, int rank, int signal, const Words& settings = {}) const {
    Process process(command_line(ranks, endless_training(settings)), folder_.path());
    EXPECT_TRUE(wait_for_checkpoint(run_dir()));
    for (const pid_t found : processes_with(run_dir())) {
      if (rank_of(found) == rank) process_ = found;
    }
    EXPECT_GT(process_, 0);
    if (process_ > 0) kill(process_, signal);
    Outcome outcome = process.wait(30);
    EXPECT_FALSE(outcome.timed_out);
    expect_nothing_left();
    return outcome;
  }

  /// What becomes of a training on two ranks behind whose back `action` is done to its folder.
  Outcome without_its_folder(const std::function<void()>& action) const {
    Process process(command_line(2, long_training(run_dir()) + Words{"--train.steps", "1000"}),
                    folder_.path());
    EXPECT_TRUE(wait_for_checkpoint(run_dir()));
    const std::vector<pid_t> ranks = ranks_of(process.id(), folder_.path());
    for (const pid_t rank : ranks) kill(rank, SIGSTOP);
    for (const pid_t rank : ranks) EXPECT_TRUE(wait_until(10, [&] { return has_stopped(rank); }));
    action();
    for (const pid_t rank : ranks) kill(rank, SIGCONT);
    return process.wait(50);
  }

  /// Whether all threads of `process` stand still, which takes a moment after SIGSTOP.
  static bool has_stopped(pid_t process) {
    const fs::path tasks = "/proc/" + std::to_string(process) + "/task";
    return std::all_of(fs::directory_iterator(tasks), fs::directory_iterator(), [](const auto& task) {
      std::ifstream file(task.path() / "stat");
      std::string stat(std::istreambuf_iterator<char>(file), {});
      return stat.find(") T ") != std::string::npos;
    });
  }

  void expect_nothing_left() const {
    EXPECT_TRUE(wait_until(15, [&] { return processes_with(folder_.path().string()).empty(); }));
  }

  /// "rank 2 (process 4711 on ": what messages call the disturbed rank.
  std::string name(int rank) const {
    return "rank " + std::to_string(rank) + " (process " + std::to_string(process_) + " on ";
  }

  std::string advice(int ranks) const {
    return "go on from the newest checkpoint with: " +
           one_line(command_line(ranks, {"train", "--resume", run_dir()}));
  }

  TemporaryFolder folder_;
  mutable pid_t process_ = 0;  // that was disturbed
};

class FaultOnRanks : public FaultTest, public testing::WithParamInterface<int> {
 protected:
  int any_rank() const {
    std::mt19937 random(static_cast<unsigned>(GetParam()));
    return static_cast<int>(random() % static_cast<unsigned>(GetParam()));
  }

  void expect_death(int signal) const {
    const int rank = any_rank();
    const Outcome outcome = disturb(GetParam(), rank, signal);
    EXPECT_EQ(outcome.exit_code, 128 + signal) << outcome.err;
    EXPECT_EQ(lines_with("is gone", outcome.err), 1) << outcome.err;
    EXPECT_EQ(lines_with("lockstep: " + name(rank), outcome.err), 1) << outcome.err;
    EXPECT_EQ(lines_with("is gone; it had finished step ", outcome.err), 1) << outcome.err;
    EXPECT_EQ(lines_with(advice(GetParam()), outcome.err), 1) << outcome.err;
  }
};

TEST_P(FaultOnRanks, AKilledRankIsNamed) { expect_death(SIGKILL); }

TEST_P(FaultOnRanks, ARankThatAbortsIsNamed) { expect_death(SIGABRT); }

TEST_P(FaultOnRanks, AStoppedRankIsWarnedOfAndEndsTheRun) {
  const int rank = any_rank();
  const std::string exchange = GetParam() == 3 ? "messages" : "auto";
  const Outcome outcome =
      disturb(GetParam(), rank, SIGSTOP, {"--run.timeout", "2", "--train.exchange", exchange});
  EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
  const std::string text = "lockstep: " + name(rank);
  EXPECT_EQ(lines_with(text, outcome.err), 2) << outcome.err;
  EXPECT_EQ(lines_with("has not finished the exchange of step ", outcome.err) +
                lines_with("stands still after step ", outcome.err),
            2)
      << outcome.err;
  EXPECT_EQ(lines_with("the run ends at the timeout of 2 s", outcome.err), 1) << outcome.err;
  EXPECT_EQ(lines_with("the timeout of 2 s ends the run; " + advice(GetParam()), outcome.err), 1)
      << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(Ranks, FaultOnRanks, testing::Values(2, 3, 5));

TEST_F(FaultTest, AFolderThatIsRemovedIsMadeAgain) {
  const Outcome outcome = without_its_folder([&] { fs::remove_all(run_dir()); });
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(lines_with("was removed or moved", outcome.err), 1) << outcome.err;
  for (const char* const name : {"config.cfg", "metrics.jsonl", "train.log", "weights.safetensors"}) {
    EXPECT_TRUE(fs::exists(fs::path(run_dir()) / name)) << name;
  }
  EXPECT_FALSE(newest_checkpoint(run_dir()).empty());
}

TEST_F(FaultTest, AFolderThatIsAnotherRunsByNowIsLeftAlone) {
  const Outcome outcome = without_its_folder([&] {
    fs::rename(run_dir(), run_dir() + "-before");
    fs::create_directory(run_dir());
    folder_.write("run/metrics.jsonl", "another's\n");
  });
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  const std::string before = "the weights after that step are in ";
  const std::size_t at = outcome.err.find(before);
  ASSERT_NE(at, std::string::npos) << outcome.err;
  const std::size_t begin = at + before.size();
  const fs::path weights = outcome.err.substr(begin, outcome.err.find('\n', begin) - begin);
  EXPECT_EQ(run_lockstep(0, {"inspect", weights.string()}, folder_).exit_code, 0);
  fs::remove(weights);
  EXPECT_EQ(listing(folder_).back(), "run/metrics.jsonl 10");
}

class FaultOfData : public FaultTest, public testing::WithParamInterface<Words> {};

TEST_P(FaultOfData, ARankThatWaitsForThemForEverEndsTheCommand) {
  // Opening a pipe that nobody writes into is as long as a file system that does not answer.
  const std::string data = (folder_.path() / "data.csv").string();
  ASSERT_EQ(mkfifo(data.c_str(), S_IRUSR | S_IWUSR), 0);
  const Words words = GetParam() + Words{"--data.source", data, "--run.timeout", "2"};
  if (words.front() == "evaluate") {
    ASSERT_EQ(run_lockstep(0, small_training("good"), folder_).exit_code, 0);
  }
  const Outcome outcome = run_lockstep(2, words, folder_, 30);
  EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
  EXPECT_EQ(lines_with("lockstep: rank 0 (process ", outcome.err), 2) << outcome.err;
  EXPECT_EQ(lines_with("stands still: nothing done for ", outcome.err), 2) << outcome.err;
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Commands, FaultOfData,
                         testing::Values(Words{"train"}, Words{"verify"},
                                         Words{"evaluate", "--weights", "good"},
                                         Words{"sweep", "--sweep", "train.seed=1,2"},
                                         Words{"study", "weight-decay"}, Words{"bench"}),
                         [](const testing::TestParamInfo<Words>& test) { return test.param.front(); });

TEST_F(FaultTest, RanksThatOnlyWaitAreNoStandstill) {
  // Of three ranks at most two train, for longer than the timeout.
  const Words words = {"verify",
                       "--ranks",
                       "1,2",
                       "--steps",
                       "1500",
                       "--run.timeout",
                       "3",
                       "--data.source",
                       "blobs",
                       "--model.layers",
                       "linear 512, relu, linear 4",
                       "--train.batch-size",
                       "full"};
  const Outcome outcome = run_lockstep(3, words, folder_, 60);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace lockstep::test
