#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/digest.hpp"
#include "data_helpers.hpp"
#include "temporary_folder.hpp"
#include "train/checkpoint/checkpoint_store.hpp"
#include "train/checkpoint/checkpoint_writer.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using test::is_bad_input;
using test::TemporaryFolder;
using Steps = std::vector<std::uint64_t>;

ParameterLayout layout() {
  ParameterLayout layout;
  layout.add(0, "0.weight", {.shape = {3}, .role = TensorRole::kWeight});
  return layout;
}

Checkpoint at(std::uint64_t step, std::uint64_t best = 0) {
  const auto values = std::make_shared<std::vector<Real>>(std::initializer_list<Real>{1, 2, Real(step)});
  Checkpoint checkpoint{.state = {.steps_done = step,
                                  .vectors = {{"parameters", *values}},
                                  .digest = DigestBlocks(std::as_bytes(std::span(*values))).digest(),
                                  .memory = values},
                        .run = {.config = {}, .data_digest = "d", .version = {}}};
  if (best > 0) checkpoint.standing.best = BestEvaluation{best, 1, 0.5};
  return checkpoint;
}

CheckpointStore store_in(const TemporaryFolder& folder, std::size_t keep) {
  return CheckpointStore(folder.path(), keep, layout(), {});
}

std::set<std::string> files(const TemporaryFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path() / "checkpoints")) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

fs::path file(const TemporaryFolder& folder, const std::string& number) {
  return folder.path() / "checkpoints" / ("step-000000" + number + ".safetensors");
}

TEST(OutdatedSteps, AreAllButTheNewest) {
  EXPECT_EQ(outdated_steps({10, 20, 30}, 30, 3, {}), Steps());
  EXPECT_EQ(outdated_steps({40, 10, 30, 20}, 40, 3, {}), Steps({10}));
  EXPECT_EQ(outdated_steps({10, 20, 30}, 30, 1, {}), Steps({20, 10}));
  EXPECT_EQ(outdated_steps({}, 30, 1, {}), Steps());
}

TEST(OutdatedSteps, AreNotTheBest) {
  EXPECT_EQ(outdated_steps({10, 20, 30}, 30, 1, 10), Steps({20}));
  EXPECT_EQ(outdated_steps({10, 20, 30}, 30, 1, 30), Steps({20, 10}));
  EXPECT_EQ(outdated_steps({10, 20, 30}, 30, 2, 5), Steps({10}));
}

TEST(OutdatedSteps, AreThoseAheadOfARunThatWentBack) {
  EXPECT_EQ(outdated_steps({10, 20, 30, 40}, 20, 1, {}), Steps({40, 30, 10}));
  EXPECT_EQ(outdated_steps({10, 20, 30, 40}, 20, 2, {}), Steps({40, 30}));
}

TEST(CheckpointStore, KeepsTheNewestAndTheBest) {
  const TemporaryFolder folder;
  CheckpointStore store = store_in(folder, 2);
  for (const std::uint64_t step : {10, 20, 30, 40, 50})
    store.save(at(step, std::min<std::uint64_t>(step, 20)));
  EXPECT_EQ(files(folder), (std::set<std::string>{"step-000000020.safetensors", "step-000000040.safetensors",
                                                  "step-000000050.safetensors"}));
  const auto newest = newest_checkpoint(folder.path());
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->state.steps_done, 50U);
  EXPECT_EQ(newest->state.vectors.at(0).values[2], 50);
}

TEST(CheckpointStore, KeepsTheBestUntilABetterOneIsWritten) {
  const TemporaryFolder folder;
  CheckpointStore store = store_in(folder, 1);
  store.save(at(10, 10));
  store.save(at(30, 20));  // a disk was full at 20
  store.save(at(40, 20));
  EXPECT_EQ(files(folder),
            (std::set<std::string>{"step-000000010.safetensors", "step-000000040.safetensors"}));
  store.save(at(50, 50));
  EXPECT_EQ(files(folder), (std::set<std::string>{"step-000000050.safetensors"}));
}

TEST(CheckpointStore, TakesTheOneBeforeADamagedOne) {
  const TemporaryFolder folder;
  CheckpointStore store = store_in(folder, 9);
  for (const std::uint64_t step : {10, 20, 30}) store.save(at(step));
  fs::resize_file(file(folder, "030"), fs::file_size(file(folder, "030")) - 1);
  testing::internal::CaptureStderr();
  EXPECT_EQ(newest_checkpoint(folder.path())->state.steps_done, 20U);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("step-000000030.safetensors: no checkpoint"),
            std::string::npos);

  fs::resize_file(file(folder, "020"), 0);
  EXPECT_EQ(newest_checkpoint(folder.path())->state.steps_done, 10U);
  fs::resize_file(file(folder, "010"), 100);
  EXPECT_TRUE(
      is_bad_input([&] { newest_checkpoint(folder.path()); }, {"none of its checkpoints can be used"}));
}

TEST(CheckpointStore, TakesTheOneBeforeWhatIsNoCheckpointOfItsName) {
  const TemporaryFolder folder;
  CheckpointStore store = store_in(folder, 9);
  for (const std::uint64_t step : {10, 20}) store.save(at(step));
  fs::copy_file(file(folder, "010"), file(folder, "070"));
  fs::create_symlink(file(folder, "080"), file(folder, "080"));
  ASSERT_EQ(mkfifo(file(folder, "090").c_str(), S_IRUSR | S_IWUSR), 0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(newest_checkpoint(folder.path())->state.steps_done, 20U);
  const std::string said = testing::internal::GetCapturedStderr();
  for (const char* const text : {"step-000000090.safetensors: cannot be read (it is no file)",
                                 "step-000000080.safetensors: cannot be read (Too many",
                                 "step-000000070.safetensors: holds step 10"}) {
    EXPECT_NE(said.find(text), std::string::npos) << text << " in: " << said;
  }
}

TEST(CheckpointStore, ADamagedOneAheadNeitherCountsNorStays) {
  const TemporaryFolder folder;
  CheckpointStore store = store_in(folder, 1);
  store.save(at(40));
  fs::resize_file(file(folder, "040"), 50);
  store.save(at(35));
  EXPECT_EQ(files(folder), std::set<std::string>{"step-000000035.safetensors"});
}

TEST(CheckpointStore, FindsNothingWhereThereIsNone) {
  const TemporaryFolder folder;
  EXPECT_FALSE(newest_checkpoint(folder.path()).has_value());
  EXPECT_FALSE(newest_checkpoint(folder.path() / "none").has_value());
  fs::create_directory(folder.path() / "checkpoints");
  folder.write("checkpoints/notes.txt", "mine");
  folder.write("checkpoints/step-x.safetensors", "mine");
  EXPECT_FALSE(newest_checkpoint(folder.path()).has_value());
}

TEST(CheckpointStore, RemovesWhatAKilledWriterLeft) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "checkpoints");
  folder.write("checkpoints/step-000000010.safetensors.123.tmp", "half");
  folder.write("checkpoints/notes.txt", "mine");
  store_in(folder, 1);
  EXPECT_EQ(files(folder), std::set<std::string>{"notes.txt"});
}

TEST(CheckpointStore, ThatCannotWriteKeepsWhatThereIs) {
  const TemporaryFolder folder;
  CheckpointStore store = store_in(folder, 1);
  store.save(at(10));
  fs::create_directories(file(folder, "020") / "in the way");
  EXPECT_TRUE(is_bad_input([&] { store.save(at(20)); }, {"cannot be written"}));
  EXPECT_TRUE(fs::exists(file(folder, "010")));
}

TEST(CheckpointStore, DoesNotMakeTheRunFolder) {
  const TemporaryFolder folder;
  CheckpointStore store(folder.path() / "gone", 1, layout(), {});
  EXPECT_TRUE(is_bad_input([&] { store.save(at(20)); }, {"cannot be written"}));
  EXPECT_FALSE(fs::exists(folder.path() / "gone"));
}

TEST(CheckpointWriter, GoesOnAfterAFailureAndSaysItOnce) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  int calls = 0;
  CheckpointWriter writer(CheckpointStore(run, 1, layout(), {}), [&] { ++calls; });
  EXPECT_TRUE(writer.wait());
  testing::internal::CaptureStderr();
  for (const std::uint64_t step : {10, 20, 30}) {
    writer.write(at(step));
    EXPECT_FALSE(writer.wait());
    EXPECT_FALSE(writer.is_busy());
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("checkpoint not written"), std::string::npos);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);

  fs::create_directory(run);
  testing::internal::CaptureStdout();
  writer.write(at(40));
  EXPECT_TRUE(writer.wait());
  EXPECT_NE(testing::internal::GetCapturedStdout().find("written again"), std::string::npos);
  EXPECT_EQ(newest_checkpoint(run)->state.steps_done, 40U);
  EXPECT_EQ(calls, 4);
}

TEST(CheckpointWriter, IsDoneWhenItGoes) {
  const TemporaryFolder folder;
  {
    CheckpointWriter(store_in(folder, 1), [] {}).write(at(10));
  }
  EXPECT_EQ(newest_checkpoint(folder.path())->state.steps_done, 10U);
}

}  // namespace
}  // namespace lockstep
