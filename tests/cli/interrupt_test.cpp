// A run that is stopped from outside goes at once and whole.

#include <algorithm>
#include <csignal>
#include <fstream>

#include "long_run.hpp"
#include <gtest/gtest.h>

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

TEST_F(InterruptTest, AnErrorOfOneRankAloneEndsTheOthersWithItsMessage) {
  // mpirun takes a command line for each group of ranks: the last has a mistake that the others have not.
  const Words words =
      command_line(2, long_training()) +
      Words{":", LOCKSTEP_MPIEXEC_NUMPROC_FLAG, "1", LOCKSTEP_PROGRAM, "train", "--run.dri", run_dir()};
  Process process(words, folder_.path());
  const Outcome outcome = process.wait(20);
  EXPECT_FALSE(outcome.timed_out);
  expect_one_line(outcome, 2, "rank 2: --run.dri: unknown option");
  expect_nothing_left();
}

}  // namespace
}  // namespace lockstep::test
