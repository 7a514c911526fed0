// Ranks die at random moments; the run goes on each time on another number of ranks.

#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "long_run.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

/// LOCKSTEP_TEST_KILLS, or few enough for every day.
int kills() {
  const char* const text = std::getenv("LOCKSTEP_TEST_KILLS");
  return text == nullptr ? 8 : std::atoi(text);
}

int resumptions(const TemporaryFolder& folder) {
  return static_cast<int>(metrics(folder, "run", "resume").size());
}

TEST(CampaignTest, RandomKillsLeaveNoTrace) {
  constexpr int kMostRanks = 5;
  constexpr int kLongest = 500;  // milliseconds before a kill
  const TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "run";
  const Words words = long_training("run") + Words{"--run.resume", "true"};
  std::mt19937 random(20);
  int killed = 0;
  int runs = 0;
  while (killed < kills()) {
    const int ranks = static_cast<int>(random() % (kMostRanks + 1));
    const auto moment = std::chrono::milliseconds(random() % kLongest);
    const unsigned victim = random();
    Process process(command_line(ranks, words), folder.path());
    // A rank that dies while it still makes itself known to mpirun may leave that waiting for ever.
    EXPECT_TRUE(wait_until(20, [&] { return is_running(run); }));
    std::this_thread::sleep_for(moment);
    std::vector<pid_t> all = ranks_of(ranks == 0 ? 0 : process.id(), folder.path());
    if (!all.empty()) kill(all[victim % all.size()], SIGKILL);
    killed += all.empty() ? 0 : 1;
    const Outcome outcome = process.wait(30);
    EXPECT_FALSE(outcome.timed_out) << ranks << " ranks: " << outcome.err;
    EXPECT_TRUE(wait_until(20, [&] { return !is_running(run); }));
    if (outcome.exit_code != 0) continue;
    // It came to its end before: the next one begins anew.
    expect_same_metrics(folder, "run");
    std::filesystem::remove_all(run);
    ++runs;
  }
  const Outcome outcome = run_lockstep(2, words, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_same_metrics(folder, "run");
  RecordProperty("runs", runs + 1);
  RecordProperty("resumptions", resumptions(folder));
}

}  // namespace
}  // namespace lockstep::test
