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

/// What the shell on the first host knows: await CONDITION, which fails when the shell is 100 s old, and the
/// newest checkpoint's name.
constexpr auto kPrelude = R"(
await() {
  until eval "$1"; do
    ((SECONDS < 100)) || { echo "not within 100 s: $1" >&2 && exit 1; }
    sleep 0.1
  done
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

const fs::path kCheckout = fs::path(LOCKSTEP_JOB).parent_path().parent_path();

class SlurmTest : public testing::Test {
 protected:
  /// Runs `command` on the first of two hosts with two cores each.
  Outcome on_slurm(const Words& command) {
    Process process(Words{LOCKSTEP_SLURM, "2", "2"} + command, folder_.path());
    Outcome outcome = process.wait(110);
    EXPECT_FALSE(outcome.timed_out);
    return outcome;
  }

  /// Submits launch/slurm.sh with `options` for `training`, whose ranks `launcher` starts, or what the script
  /// chooses if that is empty; what Slurm says of the job when it has ended. Meanwhile the shell does
  /// `meanwhile`, with the job's number in $job.
  std::string job(const std::string& launcher, const Words& options, const Words& training,
                  const std::string& meanwhile = "") {
    const std::string script = std::string(kPrelude) + R"(
job=$(sbatch --parsable --output="$PWD/log" "$@") || exit
)" + meanwhile + R"(
await '[[ -z $(squeue --noheader --jobs="$job") ]]'
scontrol --oneliner show job "$job"
)";
    const Words submission = {"--chdir",    kCheckout.string(), "--nodes=2",     "--ntasks-per-node=2",
                              LOCKSTEP_JOB, "--program",        LOCKSTEP_PROGRAM};
    const Outcome outcome =
        on_slurm(Words{"bash", "-c", script, "bash", "--export=ALL,LOCKSTEP_LAUNCHER=" + launcher} + options +
                 submission + Words(training.begin() + 1, training.end()));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err << log();
    return outcome.out;
  }

  /// The folder of a job's run, which has the checkout as its current folder.
  std::string run() const { return (folder_.path() / "run").string(); }

  /// What the job has printed.
  std::string log() const {
    std::ifstream file(folder_.path() / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string digest(const std::string& run_dir) const {
    const auto ends = metrics(folder_, run_dir, "end");
    return ends.empty() ? "none" : ends.back().at("weights_digest").get<std::string>();
  }

  /// Expects that `launcher`, which starts four ranks on two hosts, gives the digest of one rank.
  void expect_the_digest_of_one_rank(const Words& launcher, const std::string& run_dir) {
    const Outcome outcome = on_slurm(launcher + Words{LOCKSTEP_PROGRAM} + small_training(run_dir));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("on 4 ranks"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("nodes    2"), std::string::npos) << outcome.out;
    ASSERT_EQ(run_lockstep(0, small_training("alone-" + run_dir), folder_).exit_code, 0);
    EXPECT_EQ(digest(run_dir), digest("alone-" + run_dir)) << outcome.err;
  }

  /// Expects that one rank, which goes on from the newest checkpoint to its own step, ends with the weights
  /// of one that has done all those steps alone.
  void expect_the_weights_of_one_rank() {
    const fs::path checkpoint = newest_checkpoint(run());
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
  const TemporaryFolder elsewhere;
  const auto expect_line = [](const Words& settings, const fs::path& folder, const std::string& fragment) {
    const Outcome outcome =
        Process(Words{"env"} + settings + Words{LOCKSTEP_JOB, "--run.dir", "run"}, folder).wait(20);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
    EXPECT_NE(outcome.err.find("slurm.sh: " + fragment), std::string::npos) << outcome.err;
  };
  expect_line({"-u", "SLURM_NTASKS"}, kCheckout, "this is no job of Slurm; submit it: sbatch");
  expect_line({"SLURM_NTASKS=4"}, elsewhere.path(),
              elsewhere.path().string() + " has no launch/supervise.sh");
  expect_line({"SLURM_NTASKS=4", "LOCKSTEP_LAUNCHER=mpiexec"}, kCheckout,
              "LOCKSTEP_LAUNCHER=mpiexec: expected srun or mpirun");
}

TEST_F(SlurmTest, SrunGivesTheDigestOfOneRank) {
  if (on_slurm({"bash", "-c", "srun --mpi=list 2>&1 | grep pmix"}).exit_code != 0)
    GTEST_SKIP() << "this Slurm has no plugin for PMIx";
  for (const auto* const distribution : {"block", "cyclic"})
    expect_the_digest_of_one_rank(
        {"srun", "--mpi=pmix", std::string("--distribution=") + distribution, "--nodes=2", "--ntasks=4"},
        distribution);
}

TEST_F(SlurmTest, MpirunInAnAllocationGivesTheDigestOfOneRank) {
  expect_the_digest_of_one_rank({"salloc", "--nodes=2", "--ntasks=4", LOCKSTEP_MPIEXEC}, "run");
}

TEST_F(SlurmTest, SrunWithoutMpiStopsEveryTask) {
  const Outcome outcome =
      on_slurm(Words{"srun", "--quiet", "--quiet", "--ntasks=2", LOCKSTEP_PROGRAM} + small_training("run"));
  EXPECT_EQ(outcome.exit_code, 2);
  const std::string line =
      "lockstep: Slurm's srun started 2 tasks, but the program sees one rank; try srun --mpi=pmix, or mpirun "
      "in place of srun";
  EXPECT_EQ(lines_of(outcome.err), Words({line, line}));
  EXPECT_FALSE(fs::exists(run()));
}

TEST_F(SlurmTest, AJobEndsWithItsRun) {
  ASSERT_EQ(run_lockstep(0, small_training("alone"), folder_).exit_code, 0);
  const std::string ended = job("", {}, small_training(run()));
  EXPECT_NE(ended.find("JobState=COMPLETED"), std::string::npos) << ended << log();
  EXPECT_EQ(digest("run"), digest("alone")) << log();
}

TEST_F(SlurmTest, AJobThatWouldOnlyFailAgainEnds) {
  const std::string ended = job("mpirun", {}, small_training(run()) + Words{"--train.batch-size", "many"});
  EXPECT_NE(ended.find("JobState=FAILED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("ExitCode=2:0"), std::string::npos) << ended;
  EXPECT_NE(ended.find("Restarts=0"), std::string::npos) << ended;
}

// Of the first four starts one leaves a checkpoint, of the next three none.
TEST_F(SlurmTest, AJobThatFailsIsQueuedAgainIfItHasComeFurther) {
  const fs::path checkpoints = fs::path(run()) / "checkpoints";
  fs::create_directories(checkpoints);
  const fs::path program =
      folder_.write("program", "#!/bin/sh\ncd '" + checkpoints.string() +
                                   "' && { ls step-* || echo >step-1.safetensors; }; exit 7\n");
  fs::permissions(program, fs::perms::owner_all);
  const std::string ended = job("", {}, small_training(run()) + Words{"--program", program.string()});
  EXPECT_NE(ended.find("JobState=FAILED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("ExitCode=7:0"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("Restarts=1"), std::string::npos) << ended << log();
}

Words endless_training(const std::string& run_dir) {
  return long_training(run_dir) + Words{"--train.steps", "100000000"};
}

// Slurm looks at time limits twice a minute.
TEST_F(SlurmTest, AJobWhoseTimeIsUpGoesOnInTheNext) {
  const std::string ended =
      job("", {"--time=1", "--signal=B:USR1@30"}, endless_training(run()), kCancelWhenItHasGoneOn);
  EXPECT_NE(ended.find("JobState=CANCELLED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("Restarts=1"), std::string::npos) << ended << log();
  EXPECT_NE(log().find("SIGUSR1: stopped after step"), std::string::npos) << log();
  expect_the_weights_of_one_rank();
}

TEST_F(SlurmTest, AJobUnderMpirunGoesOnInTheNext) {
  const std::string ended = job("mpirun", {}, endless_training(run()),
                                R"(await '[[ -n $(newest) ]]'
scancel --signal=USR1 --batch "$job"
)" + std::string(kCancelWhenItHasGoneOn));
  EXPECT_NE(ended.find("JobState=CANCELLED"), std::string::npos) << ended << log();
  EXPECT_NE(ended.find("Restarts=1"), std::string::npos) << ended << log();
  expect_the_weights_of_one_rank();
}

}  // namespace
}  // namespace lockstep::test
