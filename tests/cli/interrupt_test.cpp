// A run that is stopped from outside goes at once and whole; signals do no harm to what is computed.

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "long_run.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

class InterruptTest : public testing::Test {
 protected:
  /// Unlike any other command line on the machine.
  std::string run_dir() const { return (folder_.path() / "run").string(); }

  Words long_training() const {
    return {"train",
            "--run.dir",
            run_dir(),
            "--data.source",
            "blobs",
            "--model.layers",
            "linear 64, relu, linear 4",
            "--train.steps",
            "100000000"};
  }

  bool wait_for_steps() const {
    return wait_until(20, [&] {
      std::ifstream file(fs::path(run_dir()) / "metrics.jsonl");
      return std::count(std::istreambuf_iterator<char>(file), {}, '\n') > 20;
    });
  }

  void expect_nothing_left() const {
    EXPECT_TRUE(wait_until(5, [&] { return processes_with(run_dir()).empty(); }));
    for (const std::string& entry : listing(folder_)) {
      EXPECT_EQ(entry.find(".tmp"), std::string::npos) << entry;
    }
  }

  TemporaryFolder folder_;
};

TEST_F(InterruptTest, CtrlCEndsAllRanks) {
  Process process(command_line(2, long_training()), folder_.path());
  ASSERT_TRUE(wait_for_steps());
  const auto begin = std::chrono::steady_clock::now();
  process.send(SIGINT);
  const Outcome outcome = process.wait(10);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 6);
  expect_nothing_left();
}

TEST_F(InterruptTest, CtrlCEndsASingleProcess) {
  Process process(command_line(0, long_training()), folder_.path());
  ASSERT_TRUE(wait_for_steps());
  process.send(SIGINT);
  const Outcome outcome = process.wait(10);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_NE(outcome.exit_code, 0);
  expect_nothing_left();
}

TEST_F(InterruptTest, AHangupStopsARunWithACheckpoint) {
  Process process(command_line(0, long_training()), folder_.path());
  ASSERT_TRUE(wait_for_steps());
  process.send(SIGHUP);
  const Outcome outcome = process.wait(10);
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  EXPECT_FALSE(newest_checkpoint(run_dir()).empty());
  const nlohmann::json last = metrics(folder_, "run").back();
  EXPECT_EQ(last.at("event"), "stop");
  EXPECT_EQ(last.at("failed"), false);
  EXPECT_TRUE(last.at("message").get<std::string>().starts_with("SIGHUP: stopped after step ")) << last;
  EXPECT_TRUE(fs::exists(fs::path(run_dir()) / "report.html"));
}

/// How `words` end in `folder` where `signal` waits for them from before their start; their errors go into
/// the file "errors".
int end_with_waiting_signal(int signal, Words words, const fs::path& folder) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t id = fork();
  if (id == 0) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigprocmask(SIG_BLOCK, &one, nullptr);
    kill(getpid(), signal);
    const int errors = open((folder / "errors").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (dup2(errors, STDERR_FILENO) >= 0 && chdir(folder.c_str()) == 0) {
      execv(arguments[0], arguments.data());
    }
    std::_Exit(127);
  }
  int status = 0;
  waitpid(id, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(InterruptTest, ASignalThatCameWithTheStartStopsBeforeTheFirstStep) {
  for (const int signal : {SIGTERM, SIGUSR1, SIGINT, SIGHUP}) {
    EXPECT_EQ(end_with_waiting_signal(signal, command_line(0, long_training()), folder_.path()), 4);
    std::ifstream errors(folder_.path() / "errors");
    const std::string text{std::istreambuf_iterator<char>(errors), {}};
    EXPECT_NE(text.find("stopped before the first step"), std::string::npos) << text;
    EXPECT_FALSE(fs::exists(run_dir()));
  }
}

TEST_F(InterruptTest, CommandsWithoutCheckpointsEndByTheSignal) {
  const Words words = command_line(0, {"verify", "--data.source", "blobs", "--model.layers", "linear 4"});
  EXPECT_EQ(end_with_waiting_signal(SIGTERM, words, folder_.path()), 128 + SIGTERM);
}

/// The digest that a small training of large products ends with, each rank started through `prefix`.
std::string digest_of_products(const Words& prefix, int ranks, const Words& options,
                               const TemporaryFolder& folder) {
  const Words training = {"train",
                          "--data.source",
                          "blobs",
                          "--data.features",
                          "1000",
                          "--data.samples",
                          "2048",
                          "--data.test-samples",
                          "8",
                          "--model.layers",
                          "linear 1000, relu, linear 4",
                          "--train.batch-size",
                          "1024",
                          "--train.steps",
                          "3"};
  Words words = command_line(ranks, training + options);
  words.insert(std::find(words.begin(), words.end(), LOCKSTEP_PROGRAM), prefix.begin(), prefix.end());
  Process process(words, folder.path());
  const Outcome outcome = process.wait(50);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::size_t at = outcome.out.find("weights_digest");
  return at == std::string::npos ? outcome.err : outcome.out.substr(at);
}

TEST_F(InterruptTest, HandlersOfLoadedLibrariesDoNotRunInsideProducts) {
  const Words preload = {"env", "LD_PRELOAD=" LOCKSTEP_ALARM_HANDLER};
  int run = 0;
  for (const int ranks : {0, 2}) {
    for (const std::string threads : {"1", "3"}) {
      const auto options = [&] {
        return Words{"--train.threads", threads, "--run.dir", "run-" + std::to_string(++run)};
      };
      const std::string expected = digest_of_products({}, ranks, options(), folder_);
      EXPECT_EQ(digest_of_products(preload, ranks, options(), folder_), expected);
    }
  }
}

/// mpirun that ends may deadlock or crash over ranks that finalise MPI meanwhile.
TEST_F(InterruptTest, RanksFinaliseMpiUnlessMpirunIsEndingThem) {
  for (const int signal : {SIGTERM, SIGUSR1}) {
    Words words = command_line(3, long_training());
    const Words preload = {"env", "LD_PRELOAD=" LOCKSTEP_FINALIZE_TELLER};
    words.insert(std::find(words.begin(), words.end(), LOCKSTEP_PROGRAM), preload.begin(), preload.end());
    fs::remove_all(run_dir());
    Process process(words, folder_.path());
    ASSERT_TRUE(wait_for_steps());
    process.send(signal);
    const Outcome outcome = process.wait(20);
    EXPECT_EQ(outcome.exit_code, signal == SIGTERM ? 1 : 4) << outcome.err;
    EXPECT_EQ(outcome.err.find("MPI_Finalize") != std::string::npos, signal == SIGUSR1) << outcome.err;
    expect_nothing_left();
  }
}

TEST_F(InterruptTest, AnErrorOfOneRankAloneEndsTheOthersWithItsMessage) {
  const Words mistaken = {LOCKSTEP_PROGRAM, "train", "--run.dri", run_dir()};
  Process process(command_line(3, Words{LOCKSTEP_PROGRAM} + long_training(), mistaken), folder_.path());
  const Outcome outcome = process.wait(20);
  EXPECT_FALSE(outcome.timed_out);
  expect_one_line(outcome, 2, "rank 2: --run.dri: unknown option");
  expect_nothing_left();
}

}  // namespace
}  // namespace lockstep::test
