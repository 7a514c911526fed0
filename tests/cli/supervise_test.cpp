// launch/supervise.sh: through failures to the end, and not for ever.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "long_run.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

class SuperviseTest : public testing::Test {
 protected:
  Words supervise(const Words& options, const Words& settings) const {
    const Words train = long_training("run");
    return Words{LOCKSTEP_SUPERVISE, "--program", LOCKSTEP_PROGRAM} + options +
           Words(train.begin() + 1, train.end()) + settings;
  }

  TemporaryFolder folder_;
};

TEST_F(SuperviseTest, StartsAFailedRunAgainOnFewerRanks) {
  Process process(supervise({"--ranks", "3", "--fewer"}, {}), folder_.path());
  ASSERT_TRUE(wait_for_checkpoint(folder_.path() / "run"));
  const std::vector<pid_t> ranks = ranks_of(0, folder_.path());
  ASSERT_FALSE(ranks.empty());
  kill(ranks.back(), SIGKILL);
  const Outcome outcome = process.wait(60);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("starting it again on 2 ranks"), std::string::npos) << outcome.err;
  EXPECT_EQ(metrics(folder_, "run", "resume").at(0).at("world_size"), 2) << outcome.err;
  expect_same_metrics(folder_, "run");
}

TEST_F(SuperviseTest, GivesUpWhereNothingGoesForward) {
  const fs::path program = folder_.write("program", "#!/bin/sh\necho start >>starts\nexit 7\n");
  fs::permissions(program, fs::perms::owner_all);
  Process process(supervise({"--ranks", "1", "--failures", "4", "--program", program.string()}, {}),
                  folder_.path());
  const Outcome outcome = process.wait(60);
  EXPECT_EQ(outcome.exit_code, 7) << outcome.err;
  EXPECT_NE(outcome.err.find("4 failures in a row"), std::string::npos) << outcome.err;
  std::ifstream starts(folder_.path() / "starts");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(starts), {}, '\n'), 4);
}

TEST_F(SuperviseTest, PassesOnWhatOnlyFailsAgain) {
  Process process(supervise({"--ranks", "1"}, {"--train.batch-size", "many"}), folder_.path());
  const Outcome outcome = process.wait(60);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err.find("supervise.sh"), std::string::npos) << outcome.err;
}

TEST_F(SuperviseTest, RefusesHostsThatItCannotUse) {
  folder_.write("hosts", "localhost slots=1\nno-such-host.invalid slots=1\n");
  const auto message = [&](const Words& options) {
    Process process(supervise(options, {}), folder_.path());
    const Outcome outcome = process.wait(60);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
    return outcome.err;
  };
  EXPECT_EQ(message({"--hosts", "hosts"}),
            "supervise.sh: hosts: no-such-host.invalid: no such host; expected names or addresses that this "
            "machine knows\n");
  EXPECT_EQ(message({"--hosts", ""}), "supervise.sh: --hosts: a file is missing\n");
  EXPECT_EQ(message({"--hosts", "none"}), "supervise.sh: --hosts none: cannot be read\n");
  EXPECT_NE(message({"--hosts", "hosts", "--ranks", "2"}).find("neither --ranks nor --fewer"),
            std::string::npos);
  EXPECT_NE(message({"--hosts", "hosts", "--fewer"}).find("neither --ranks nor --fewer"), std::string::npos);
}

TEST_F(SuperviseTest, StartsOnTheHostsOfAFile) {
  folder_.write("hosts", "# this machine\nlocalhost slots=2\n");
  Process process(supervise({"--hosts", "hosts"}, {"--train.steps", "200"}), folder_.path());
  const Outcome outcome = process.wait(60);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(metrics(folder_, "run", "start").at(0).at("world_size"), 2);
}

TEST_F(SuperviseTest, StartsAgainAfterAStandstill) {
  Process process(supervise({"--ranks", "2"}, {"--train.steps", "100000000", "--run.timeout", "2"}),
                  folder_.path());
  ASSERT_TRUE(wait_for_checkpoint(folder_.path() / "run"));
  const std::vector<pid_t> ranks = ranks_of(0, folder_.path());
  ASSERT_FALSE(ranks.empty());
  kill(ranks.back(), SIGSTOP);
  const auto has_resumed = [&] {
    std::ifstream file(folder_.path() / "run/metrics.jsonl");  // whose last line may still be being written
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.find(R"("event":"resume")") != std::string::npos;
  };
  EXPECT_TRUE(wait_until(30, has_resumed));
  process.send(SIGTERM);
  const Outcome outcome = process.wait(30);
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  EXPECT_NE(outcome.err.find("the timeout of 2 s ends the run"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("(exit code 5); starting it again on 2 ranks"), std::string::npos)
      << outcome.err;
}

TEST_F(SuperviseTest, ASignalStopsTheRunForGood) {
  Process process(supervise({"--ranks", "2"}, {"--train.steps", "100000000"}), folder_.path());
  ASSERT_TRUE(wait_for_checkpoint(folder_.path() / "run"));
  process.send(SIGTERM);
  const Outcome outcome = process.wait(30);
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  EXPECT_NE(outcome.err.find("stopped after step"), std::string::npos) << outcome.err;
}

TEST_F(SuperviseTest, AHangupStopsTheRunButUnderNohup) {
  Process process(Words{"nohup"} + supervise({"--ranks", "2"}, {"--train.steps", "100000000"}),
                  folder_.path());
  ASSERT_TRUE(wait_for_checkpoint(folder_.path() / "run"));
  kill(-process.id(), SIGHUP);  // as a shell does with its jobs when its terminal goes
  const fs::path last = newest_checkpoint(folder_.path() / "run");
  EXPECT_TRUE(wait_for_checkpoint(folder_.path() / "run", last));
  process.send(SIGTERM);
  EXPECT_EQ(process.wait(30).exit_code, 4);

  Process other(supervise({"--ranks", "2"}, {"--train.steps", "100000000"}), folder_.path());
  ASSERT_TRUE(wait_for_checkpoint(folder_.path() / "run", newest_checkpoint(folder_.path() / "run")));
  kill(-other.id(), SIGHUP);
  const Outcome outcome = other.wait(30);
  EXPECT_EQ(outcome.exit_code, 4) << outcome.err;
  EXPECT_NE(outcome.err.find("stopped after step"), std::string::npos) << outcome.err;
}

/// Whether supervise.sh has started the run in `run_dir`.
bool has_started(const std::string& run_dir) {
  // Shells of the script have its command line; this is what it adds to that.
  const std::vector<pid_t> resuming = processes_with("--run.resume");
  const std::vector<pid_t> mine = processes_with(run_dir);
  return std::ranges::find_first_of(resuming, mine) != resuming.end();
}

/// mpirun forgets a signal that comes while it starts its ranks.
TEST_F(SuperviseTest, ASignalDuringTheStartStopsTheRunTooForGood) {
  for (const int milliseconds : {0, 30, 60, 90}) {
    const std::string run_dir = (folder_.path() / fmt::format("run-{}", milliseconds)).string();
    Process process(supervise({"--ranks", "2"}, {"--train.steps", "100000000", "--run.dir", run_dir}),
                    folder_.path());
    ASSERT_TRUE(wait_until(20, [&] { return has_started(run_dir); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    process.send(SIGTERM);
    const Outcome outcome = process.wait(30);
    EXPECT_EQ(outcome.exit_code, 4) << milliseconds << " ms: " << outcome.err;
  }
}

}  // namespace
}  // namespace lockstep::test
