// What launchers set: Open MPI's mpirun(1), hydra's and Slurm's PMI, PMIx 4, and the environment of srun(1).

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/comm/launcher.hpp"
#include "lockstep/core/error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::test {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

const Variables kOpenMpiOf4 = {
    {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "3"}, {"PMIX_RANK", "3"}};
const Variables kOpenMpiOf1 = {
    {"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_RANK", "0"}, {"PMIX_RANK", "0"}};
const Variables kPmiOf4 = {{"PMI_SIZE", "4"}, {"PMI_RANK", "2"}};
const Variables kStepOf4 = {{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_NTASKS", "4"}};
const Variables kStepOf1 = {{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}};

Variables operator+(Variables a, const Variables& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Launch launch_with(const Variables& variables) {
  for (const char* const name :
       {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_NUM_APP_CTX", "PMI_SIZE", "PMI_RANK",
        "PMIX_RANK", "PMIX_SERVER_TMPDIR", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}) {
    unsetenv(name);
  }
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  return read_launch();
}

/// What check_world says about it, empty where all is well.
std::string complaint(const Variables& variables, int world_size) {
  try {
    check_world(launch_with(variables), world_size);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    return error.what();
  }
}

TEST(LauncherTest, OneProcessOfNoLauncherIsRight) {
  EXPECT_EQ(complaint({}, 1), "");
  EXPECT_FALSE(launch_with({}).is_mpi);
}

TEST(LauncherTest, TheSizeThatMpiSeesIsRight) {
  EXPECT_EQ(complaint(kOpenMpiOf4, 4), "");
  EXPECT_EQ(complaint(kOpenMpiOf1, 1), "");
  EXPECT_EQ(complaint(kPmiOf4, 4), "");
  EXPECT_EQ(complaint(kPmiOf4 + kStepOf4, 4), "");
  EXPECT_EQ(complaint(kStepOf4 + Variables{{"PMIX_RANK", "3"}}, 4), "");
}

TEST(LauncherTest, TasksThatSeeNoOthersAreAnError) {
  EXPECT_EQ(complaint(kStepOf4, 1),
            "Slurm's srun started 4 tasks, but the program sees one rank; try srun --mpi=pmix, or mpirun in "
            "place of srun");
  EXPECT_TRUE(complaint(kOpenMpiOf4, 1).starts_with("mpirun (Open MPI) started 4 tasks, but the program"));
  EXPECT_TRUE(complaint(kPmiOf4, 1).starts_with("mpiexec (PMI) started 4 tasks, but the program"));
  EXPECT_TRUE(complaint(kStepOf4 + Variables{{"PMIX_RANK", "0"}}, 1).starts_with("Slurm's srun started 4"));
  EXPECT_TRUE(complaint({{"PMIX_RANK", "2"}}, 1).starts_with("the launcher calls this process rank 2, but"));
}

TEST(LauncherTest, SoIsAnotherNumberOfThem) {
  EXPECT_TRUE(complaint(kOpenMpiOf4, 2)
                  .ends_with("sees 2 ranks; try the mpirun of the MPI that it was built "
                             "with, or srun --mpi=pmix"));
}

TEST(LauncherTest, ABatchScriptOrAnInteractiveShellIsNoStep) {
  const Variables batch = {{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}};
  EXPECT_EQ(complaint(batch, 1), "");
  for (const char* const step : {"4294967291", "4294967290", "batch", ""}) {  // batch script, interactive
    EXPECT_EQ(complaint(batch + Variables{{"SLURM_STEP_ID", step}, {"SLURM_STEP_NUM_TASKS", "4"}}, 1), "");
  }
  EXPECT_EQ(complaint(batch + kStepOf1, 1), "");
}

TEST(LauncherTest, MpirunInsideOfAStepCountsAlone) {
  EXPECT_EQ(complaint(kOpenMpiOf4 + kStepOf1, 4), "");
  EXPECT_EQ(complaint(kOpenMpiOf1 + kStepOf4, 1), "");
  // Its program was built with another MPI: the outer shell's one task is no excuse.
  EXPECT_NE(complaint(kOpenMpiOf4 + kStepOf1, 1), "");
}

TEST(LauncherTest, RanksThatHaveMetByAnUnknownLauncherAreRight) { EXPECT_EQ(complaint(kStepOf4, 8), ""); }

TEST(LauncherTest, RanksAreThoseOfTheInnermostLauncher) {
  EXPECT_EQ(launch_with(kOpenMpiOf4).rank, 3);
  EXPECT_EQ(launch_with(kPmiOf4).rank, 2);
  EXPECT_EQ(launch_with({{"PMIX_RANK", "5"}}).rank, 5);
  EXPECT_EQ(launch_with({{"SLURM_PROCID", "5"}}).rank, 0);
}

TEST(LauncherTest, ALauncherWhoseFolderIsGoneHasEnded) {
  const TemporaryFolder folder;
  EXPECT_FALSE(launch_with(kOpenMpiOf4).has_ended);
  EXPECT_FALSE(launch_with({{"PMIX_SERVER_TMPDIR", folder.path().string()}}).has_ended);
  EXPECT_TRUE(launch_with({{"PMIX_SERVER_TMPDIR", (folder.path() / "gone").string()}}).has_ended);
}

}  // namespace
}  // namespace lockstep::test
