// What started the program, and as one of how many.

#include <filesystem>
#include <iterator>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {
namespace {

const Words kSingletonOf4 = {"env", "SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=4", "SLURM_PROCID=1"};

/// `words` in the environment that one rank of two had, whose launcher has ended.
Words left_over(const Words& words) {
  const std::string script =
      "variables=$(\"$0\" -np 2 sh -c '[ \"$PMIX_RANK\" = 0 ] || env' | grep -E '^(OMPI|PMIX)_' | grep -v ' "
      "' | tr '\\n' ' "
      "')"
      "; exec env $variables \"$@\"";
  return Words{"bash", "-c", script, LOCKSTEP_MPIEXEC, LOCKSTEP_PROGRAM} + words;
}

class LauncherCliTest : public testing::Test {
 protected:
  Outcome run(const Words& words) const {
    Outcome outcome = Process(words, folder_.path()).wait(60);
    EXPECT_FALSE(outcome.timed_out);
    return outcome;
  }

  Outcome run_singleton(const Words& words) const {
    return run(kSingletonOf4 + Words{LOCKSTEP_PROGRAM} + words);
  }

  TemporaryFolder folder_;
};

TEST_F(LauncherCliTest, TasksThatWouldEachTrainAloneStop) {
  for (const Words& words :
       {small_training("run"), Words{"verify"}, Words{"bench"}, Words{"evaluate", "--weights", "w"},
        Words{"study", "surfaces"}, Words{"sweep", "--sweep", "train.seed=1,2"}}) {
    expect_one_line(run_singleton(words), 2, "Slurm's srun started 4 tasks, but the program sees one rank");
  }
  EXPECT_TRUE(listing(folder_).empty());
}

TEST_F(LauncherCliTest, CommandsThatNeedNoRanksWorkInEach) {
  ASSERT_EQ(run_lockstep(0, small_training("run"), folder_).exit_code, 0);
  for (const Words& words : {Words{"inspect", "run/weights.safetensors"}, Words{"report", "run"},
                             Words{"export", "--weights", "run", "--output", "run/model.onnx"},
                             Words{"schedule", "--train.steps", "10", "--train.batch-size", "4"},
                             Words{"--help"}, Words{"train", "--help"}, Words{"--version"}}) {
    for (const Outcome& outcome : {run_singleton(words), run(left_over(words))}) {
      EXPECT_EQ(outcome.exit_code, 0) << words[0];
      EXPECT_NE(outcome.out, "") << words[0];
      EXPECT_EQ(outcome.err, "") << words[0];
    }
  }
}

TEST_F(LauncherCliTest, UnderMpirunTheyActOnceAndAgainInTheSameSlot) {
  const std::string twice = "\"$0\" \"$@\" && \"$0\" \"$@\"";
  const Outcome outcome = run({LOCKSTEP_MPIEXEC, LOCKSTEP_MPIEXEC_NUMPROC_FLAG, "3", "bash", "-c", twice,
                               LOCKSTEP_PROGRAM, "--version"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(lines_of(outcome.out).size(), 2U) << outcome.out;
}

TEST_F(LauncherCliTest, WhereMpiCannotStartOneLineSaysSo) {
  const Outcome outcome = run(left_over(small_training("run")));
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("lockstep: rank 1: MPI did not start: see above; if the variables OMPI_*"),
            std::string::npos)
      << outcome.err;
  EXPECT_TRUE(listing(folder_).empty());
}

TEST_F(LauncherCliTest, OneOfSeveralCommandLinesMustNotBeAnotherCommand) {
  const Words numproc = {LOCKSTEP_MPIEXEC_NUMPROC_FLAG, "1", LOCKSTEP_PROGRAM};
  const Words several =
      Words{LOCKSTEP_MPIEXEC} + numproc + small_training("run") + Words{":"} + numproc + Words{"report"};
  Outcome outcome = run(several);
  // Most starts of Debian 13's mpirun with several command lines end in a segmentation fault of its own.
  const auto mpirun_crashed = [&] {
    constexpr int kSegmentationFault = 139;
    return LOCKSTEP_OPEN_MPI_5 && outcome.exit_code == kSegmentationFault && outcome.err.empty();
  };
  for (int again = 0; again < 10 && mpirun_crashed(); ++again) outcome = run(several);
  if (mpirun_crashed()) GTEST_SKIP() << "mpirun starts nothing where it is given several command lines";
  expect_one_line(outcome, 2, "the command is train on rank 0, report on rank 1");
}

TEST_F(LauncherCliTest, StartsInTheSameSecondHaveAFolderEach) {
  const Words training = small_training("");
  for (const Words& words :
       {Words{"train"} + Words(training.begin() + 3, training.end()), Words{"study", "surfaces"},
        Words{"sweep", "--sweep", "train.seed=1,2"} + Words(training.begin() + 3, training.end())}) {
    const TemporaryFolder folder;
    std::vector<std::unique_ptr<Process>> starts;
    for (const int ranks : {0, 0, 2}) {
      starts.push_back(std::make_unique<Process>(command_line(ranks, words), folder.path()));
    }
    for (const auto& start : starts) {
      const Outcome outcome = start->wait(60);
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    }
    const std::filesystem::directory_iterator runs(folder.path() / "runs");
    EXPECT_EQ(std::distance(begin(runs), end(runs)), 3) << words[0];
  }
}

TEST_F(LauncherCliTest, AStartThatFailsMakesNoFolder) {
  for (const int ranks : {0, 2}) {
    expect_one_line(run_lockstep(ranks, {"train", "--data.source", "no.csv"}, folder_), 2, "no.csv");
  }
  EXPECT_TRUE(listing(folder_).empty());
}

/// Sources environment.sh as a person does, and calls mpirun with `words`.
Words in_environment(const std::string& command) {
  return {"env",
          "-u",
          "OMPI_MCA_orte_execute_quiet",
          "bash",
          "-c",
          "source \"${0%/*}/environment.sh\"; " + command,
          LOCKSTEP_SUPERVISE};
}

TEST_F(LauncherCliTest, MpirunsOwnErrorsAreSeen) {
  const Outcome outcome = run(in_environment("mpirun -np 1 ./no-such-program"));
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_NE((outcome.out + outcome.err).find("no-such-program"), std::string::npos) << outcome.err;
}

TEST_F(LauncherCliTest, ScriptsLeaveALoopItsInput) {
  const Outcome outcome =
      run(in_environment("printf '1\\n2\\n3\\n' | while read -r line; do \"${lockstep_mpirun[@]}\" -np 1 "
                         "true; echo $line; done"));
  EXPECT_EQ(outcome.out, "1\n2\n3\n") << outcome.err;
}

TEST_F(LauncherCliTest, ScriptsBindOnlyWhereRanksTakeAllCores) {
  const Outcome outcome = run(in_environment(
      "lockstep_cores=4; for n in 3 4 5; do lockstep_mpirun_for $n; echo ${lockstep_mpirun[*]}; done"));
  EXPECT_EQ(outcome.out,
            "mpirun --stdin none --bind-to none\n"
            "mpirun --stdin none --bind-to core:if-supported\n"
            "mpirun --stdin none --bind-to none --oversubscribe\n");
}

}  // namespace
}  // namespace lockstep::test
