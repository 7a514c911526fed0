// Runs in jobs of Slurm on two hosts, which slurm.sh makes, and launch/slurm.sh, the job's script.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "long_run.hpp"
#include "program.hpp"

namespace lockstep::test {
namespace {

namespace fs = std::filesystem;

/// What the shell on the first host knows: await CONDITION, which fails after 90 s, and the names of
/// checkpoints.
constexpr auto kPrelude = R"(
await() {
  for ((i = 0; i < 900; ++i)); do
    if eval "$1"; then return; fi
    sleep 0.1
  done
  echo "not within 90 s: $1" >&2
  exit 1
}
newest() { (cd run/checkpoints && ls -- *.safetensors | tail -1) 2>/dev/null; }
)";

/// For a job: waits until it has been queued again and has gone on for a while, and cancels it.
constexpr auto kCancelWhenItHasGoneOn = R"(
await "grep -qs '\"event\":\"resume\"' run/metrics.jsonl"
first=$(newest)
await '[[ $(newest) > $first ]]'
scancel "$job"
)";

class SlurmTest : public testing::Test {
 protected:
  /// Runs `script` in a shell on the first of two hosts with two cores each, where `words` are its arguments.
  Outcome on_slurm(const std::string& script, const Words& words) {
    Process process(Words{LOCKSTEP_SLURM, "2", "2", "bash", "-c", kPrelude + script, "bash"} + words,
                    folder_.path());
    Outcome outcome = process.wait(110);
    EXPECT_FALSE(outcome.timed_out);
    return outcome;
  }

  /// Submits launch/slurm.sh with `options`, to train into "run" by `launcher`, or as the script
  /// chooses if that is empty; what Slurm says of the job
  /// when it has ended. The shell does `meanwhile`, with the job's number in $job.
  std::string job(const std::string& launcher, const Words& options, const Words& training,
                  const std::string& meanwhile) {
    const std::string script = R"(
job=$(sbatch --parsable --output="$PWD/log" "$@") || exit
)" + meanwhile + R"(
await '[[ -z $(squeue --noheader --jobs="$job") ]]'
scontrol --oneliner show job "$job"
)";
    const fs::path checkout = fs::path(LOCKSTEP_JOB).parent_path().parent_path();
    const Words submission = options +
                             Words{"--chdir",
                                   checkout.string(),
                                   "--nodes=2",
                                   "--ntasks-per-node=2",
                                   "--export=ALL,LOCKSTEP_LAUNCHER=" + launcher,
                                   LOCKSTEP_JOB,
                                   "--program",
                                   LOCKSTEP_PROGRAM} +
                             Words(training.begin() + 1, training.end()) +
                             Words{"--run.dir", (folder_.path() / "run").string()};
    const Outcome outcome = on_slurm(script, submission);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err << log();
    return outcome.out;
  }

  /// What the job has printed.
  std::string log() const {
    std::ifstream file(folder_.path() / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string digest(const std::string& run_dir) const {
    const auto ends = metrics(folder_, run_dir, "end");
    return ends.empty() ? "none" : ends.back().at("weights_digest").get<std::string>();
  }

  /// Expects that one rank, which goes on from the newest checkpoint to its own step, ends with the weights
  /// of one that has done all those steps alone.
  void expect_the_weights_of_one_rank() {
    const fs::path checkpoint = newest_checkpoint(folder_.path() / "run");
    ASSERT_FALSE(checkpoint.empty()) << log();
    const std::string steps = std::to_string(std::stoul(checkpoint.stem().string().substr(5)));
    for (const Words& training : {Words{"train", "--resume", "run"}, long_training("alone")})
      ASSERT_EQ(run_lockstep(0, training + Words{"--train.steps", steps}, folder_).exit_code, 0);
    EXPECT_EQ(digest("run"), digest("alone")) << log();
  }

  void SetUp() override {
    constexpr int kNotHere = 77;
    Process process({LOCKSTEP_SLURM, "1", "1", "true"}, folder_.path());
    const Outcome outcome = process.wait(60);
    if (outcome.exit_code == kNotHere) GTEST_SKIP() << outcome.err;
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  TemporaryFolder folder_;
};

TEST(SlurmScriptTest, SaysWhatIsWrong) {
  const fs::path checkout = fs::path(LOCKSTEP_JOB).parent_path().parent_path();
  const TemporaryFolder elsewhere;
  const auto expect_line = [](const Words& settings, const fs::path& folder, const std::string& fragment) {
    const Outcome outcome =
        Process(Words{"env"} + settings + Words{LOCKSTEP_JOB, "--run.dir", "run"}, folder).wait(20);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
    EXPECT_NE(outcome.err.find("slurm.sh: " + fragment), std::string::npos) << outcome.err;
  };
  expect_line({"-u", "SLURM_NTASKS"}, checkout, "this is no job of Slurm; submit it: sbatch");
  expect_line({"SLURM_NTASKS=4"}, elsewhere.path(),
              elsewhere.path().string() + " has no launch/supervise.sh");
  expect_line({"SLURM_NTASKS=4", "LOCKSTEP_LAUNCHER=mpiexec"}, checkout,
              "LOCKSTEP_LAUNCHER=mpiexec: expected srun or mpirun");
}

/// `training` without its folder.
Words settings_of(const Words& training) {
  return Words{training.front()} + Words(training.begin() + 3, training.end());
}

TEST_F(SlurmTest, SrunAndMpirunGiveTheDigestOfOneRank) {
  ASSERT_EQ(run_lockstep(0, small_training("alone"), folder_).exit_code, 0);
  const Outcome outcome = on_slurm(R"(
srun --mpi=pmix --nodes=2 --ntasks=4 "$@" --run.dir block &&
srun --mpi=pmix --nodes=2 --ntasks=4 --distribution=cyclic "$@" --run.dir cyclic &&
salloc --nodes=2 --ntasks=4 mpirun -n 4 "$@" --run.dir mpirun
)",
                                   Words{LOCKSTEP_PROGRAM} + settings_of(small_training("")));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const auto* const run_dir : {"block", "cyclic", "mpirun"}) {
    EXPECT_EQ(digest(run_dir), digest("alone")) << run_dir << ": " << outcome.err;
    EXPECT_EQ(metrics(folder_, run_dir, "start").at(0).at("world_size"), 4);
  }
}

TEST_F(SlurmTest, SrunWithoutMpiStopsEveryTask) {
  const Outcome outcome = on_slurm("exec srun --quiet --quiet --ntasks=2 \"$@\"",
                                   Words{LOCKSTEP_PROGRAM} + small_training("run"));
  EXPECT_EQ(outcome.exit_code, 2);
  const std::string line =
      "lockstep: Slurm's srun started 2 tasks, but the program sees one rank; try srun --mpi=pmix, or mpirun "
      "in place of srun";
  EXPECT_EQ(lines_of(outcome.err), Words({line, line}));
  EXPECT_FALSE(fs::exists(folder_.path() / "run"));
}

TEST_F(SlurmTest, AJobEndsWithItsRun) {
  ASSERT_EQ(run_lockstep(0, small_training("alone"), folder_).exit_code, 0);
  const std::string ended = job("", {}, settings_of(small_training("")), "");
  EXPECT_NE(ended.find("JobState=COMPLETED"), std::string::npos) << ended << log();
  EXPECT_EQ(digest("run"), digest("alone")) << log();
}

TEST_F(SlurmTest, AJobThatWouldOnlyFailAgainEnds) {
  const std::string ended =
      job("mpirun", {}, settings_of(small_training("")) + Words{"--train.batch-size", "many"}, "");
  EXPECT_NE(ended.find("JobState=FAILED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("ExitCode=2:0"), std::string::npos) << ended;
  EXPECT_NE(ended.find("Restarts=0"), std::string::npos) << ended;
}

// Of the first four starts one leaves a checkpoint, of the next three none.
TEST_F(SlurmTest, AJobThatFailsIsQueuedAgainIfItHasComeFurther) {
  const fs::path checkpoints = folder_.path() / "run/checkpoints";
  fs::create_directories(checkpoints);
  const fs::path program =
      folder_.write("program", "#!/bin/sh\ncd '" + checkpoints.string() +
                                   "' && { ls step-* || echo >step-1.safetensors; }; exit 7\n");
  fs::permissions(program, fs::perms::owner_all);
  const std::string ended =
      job("srun", {}, settings_of(small_training("")) + Words{"--program", program.string()}, "");
  EXPECT_NE(ended.find("JobState=FAILED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("ExitCode=7:0"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("Restarts=1"), std::string::npos) << ended << log();
}

const Words kEndless = settings_of(long_training("")) + Words{"--train.steps", "100000000"};

// Slurm looks at time limits twice a minute.
TEST_F(SlurmTest, AJobWhoseTimeIsUpGoesOnInTheNext) {
  const std::string ended = job("srun", {"--time=1", "--signal=B:USR1@30"}, kEndless, kCancelWhenItHasGoneOn);
  EXPECT_NE(ended.find("JobState=CANCELLED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("Restarts=1"), std::string::npos) << ended << log();
  EXPECT_NE(log().find("SIGUSR1: stopped after step"), std::string::npos) << log();
  expect_the_weights_of_one_rank();
}

TEST_F(SlurmTest, AJobUnderMpirunGoesOnInTheNext) {
  const std::string ended = job("mpirun", {}, kEndless,
                                R"(await '[[ -n $(newest) ]]'
scancel --signal=USR1 --batch "$job"
)" + std::string(kCancelWhenItHasGoneOn));
  EXPECT_NE(ended.find("JobState=CANCELLED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("Restarts=1"), std::string::npos) << ended << log();
  expect_the_weights_of_one_rank();
}

}  // namespace
}  // namespace lockstep::test
