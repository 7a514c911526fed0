#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <mutex>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data_helpers.hpp"
#include "temporary_folder.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using test::is_bad_input;
using test::TemporaryFolder;

std::string content(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The lines of metrics.jsonl without their times.
std::string metrics_of(const fs::path& run) {
  return std::regex_replace(content(run / "metrics.jsonl"), std::regex(R"(,"time":[0-9.e+]+)"), "");
}

TEST(RunDirectory, IsMadeWithTheFoldersAboveIt) {
  const TemporaryFolder folder;
  RunDirectory run(folder.path() / "a" / "b");
  run.write("config.cfg", "[train]\nseed = 1\n");
  EXPECT_EQ(content(folder.path() / "a" / "b" / "config.cfg"), "[train]\nseed = 1\n");
  EXPECT_TRUE(fs::exists(folder.path() / "a" / "b" / "metrics.jsonl"));
}

TEST(RunDirectory, StandsForItsBestWeightsOnceItHasEnded) {
  const TemporaryFolder folder;
  folder.write("best.safetensors", "");
  EXPECT_TRUE(is_bad_input([&] { weights_file(folder.path()); }, {"without weights.safetensors"}));
  folder.write("weights.safetensors", "");
  EXPECT_EQ(weights_file(folder.path()), folder.path() / "best.safetensors");
  EXPECT_EQ(weights_file(folder.path() / "weights.safetensors"), folder.path() / "weights.safetensors");
  fs::remove(folder.path() / "best.safetensors");
  EXPECT_EQ(weights_file(folder.path()), folder.path() / "weights.safetensors");
}

TEST(RunDirectory, OfASweepStandsForItsBestWeightsOnceItHasEnded) {
  const TemporaryFolder folder;
  const auto fails = [&] {
    return is_bad_input([&] { weights_file(folder.path()); },
                        {"without weights.safetensors", "of a run or sweep that has ended"});
  };
  folder.write("best.safetensors", "");
  folder.write("best.cfg", "");
  folder.write("metrics.jsonl", "{\"event\":\"sweep\"}\n{\"event\":\"end\"}\n{\"event\":\"begin\"}\n");
  EXPECT_TRUE(fails()) << "it goes on with more samples";
  folder.write("metrics.jsonl", "{\"event\":\"sweep\"}\n{\"event\":\"end\"}\n");
  EXPECT_EQ(weights_file(folder.path()), folder.path() / "best.safetensors");
  fs::remove(folder.path() / "best.safetensors");
  EXPECT_TRUE(fails()) << "all its trainings diverged";
}

TEST(RunDirectory, ARunThatBeginsAnewLosesItsBestWeights) {
  const TemporaryFolder folder;
  folder.write("metrics.jsonl", "{\"event\":\"start\"}\n{\"event\":\"step\",\"step\":1}\n");
  folder.write("best.safetensors", "");
  { RunDirectory(folder.path(), 1); }
  EXPECT_TRUE(fs::exists(folder.path() / "best.safetensors"));
  { RunDirectory(folder.path(), 0); }
  EXPECT_FALSE(fs::exists(folder.path() / "best.safetensors"));
}

TEST(RunDirectory, ItsConfigurationIsToldFromAPersons) {
  const TemporaryFolder folder;
  for (const char* const name : {"run/config.cfg", "run/points/3.cfg", "run/own.cfg", "config.cfg"}) {
    fs::create_directories((folder.path() / name).parent_path());
    folder.write(name, "");
  }
  EXPECT_FALSE(is_config_of_run(folder.path() / "run/config.cfg")) << "no run is there";
  folder.write("run/metrics.jsonl", "");
  EXPECT_TRUE(is_config_of_run(folder.path() / "run/config.cfg"));
  EXPECT_TRUE(is_config_of_run(folder.path() / "run/points/3.cfg"));
  EXPECT_FALSE(is_config_of_run(folder.path() / "run/own.cfg"));
  EXPECT_FALSE(is_config_of_run(folder.path() / "config.cfg"));
  EXPECT_FALSE(is_config_of_run("config.cfg"));
}

TEST(RunDirectory, IsNobodyElsesWhereNoneIsGiven) {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  std::mutex mutex;
  std::set<std::string> folders;
  std::array<std::thread, 8> starts;
  for (std::thread& start : starts) {
    start = std::thread([&] {
      for (int again = 0; again < 4; ++again) {
        const std::string made = make_run_folder("kind");
        const std::lock_guard lock(mutex);
        folders.insert(made);
      }
    });
  }
  for (std::thread& start : starts) start.join();
  EXPECT_EQ(folders.size(), 32U);
  for (const std::string& made : folders) {
    EXPECT_TRUE(fs::is_directory(made)) << made;
    EXPECT_TRUE(made.starts_with("runs/kind-")) << made;
  }
  fs::current_path(before);
}

TEST(RunDirectory, HoldsOneMetricALineAtOnce) {
  const TemporaryFolder folder;
  RunDirectory run(folder.path() / "run");
  run.metric({{"event", "step"}, {"loss", 0.5}});
  run.metric({{"event", "end"}, {"text", "two\nlines"}});
  // Read while the run still goes on.
  EXPECT_EQ(metrics_of(folder.path() / "run"),
            "{\"event\":\"step\",\"loss\":0.5}\n{\"event\":\"end\",\"text\":\"two\\nlines\"}\n");
}

TEST(RunDirectory, TellsWhenALineWasWritten) {
  const TemporaryFolder folder;
  const auto before = static_cast<double>(std::time(nullptr));
  RunDirectory(folder.path() / "run").metric({{"event", "start"}});
  const auto line = nlohmann::json::parse(content(folder.path() / "run" / "metrics.jsonl"));
  EXPECT_GE(line.at("time"), before);
  EXPECT_LE(line.at("time"), static_cast<double>(std::time(nullptr)) + 1);
}

TEST(RunDirectory, WritesNumbersThatJsonHasNotAsNull) {
  const TemporaryFolder folder;
  RunDirectory run(folder.path() / "run");
  run.metric({{"loss", std::numeric_limits<double>::quiet_NaN()}});
  run.metric({{"loss", std::numeric_limits<double>::infinity()}});
  run.metric({{"name", "\xff\xfe"}});
  const std::string metrics = metrics_of(folder.path() / "run");
  EXPECT_TRUE(metrics.starts_with("{\"loss\":null}\n{\"loss\":null}\n")) << metrics;
}

TEST(RunDirectory, KnowsThatItIsGone) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "run";
  {
    const RunDirectory run(path);
    EXPECT_FALSE(run.is_gone());
    fs::remove_all(path);
    EXPECT_TRUE(run.is_gone());
  }
  {
    const RunDirectory run(path);
    fs::rename(path, folder.path() / "elsewhere");
    EXPECT_TRUE(run.is_gone());
    const RunDirectory another(path);  // in its place
    EXPECT_TRUE(run.is_gone());
    EXPECT_FALSE(another.is_gone());
  }
}

TEST(RunDirectory, RefusesAFolderThatHoldsARun) {
  const TemporaryFolder folder;
  { RunDirectory(folder.path() / "run").metric({{"event", "start"}}); }
  EXPECT_TRUE(is_bad_input([&] { RunDirectory again(folder.path() / "run"); },
                           {"run.dir = ", "holds a run already"}));
  EXPECT_EQ(metrics_of(folder.path() / "run"), "{\"event\":\"start\"}\n");
}

TEST(RunDirectory, RefusesAFolderThatHoldsWeights) {
  const TemporaryFolder folder;
  folder.write("weights.safetensors", "mine");
  EXPECT_TRUE(is_bad_input([&] { RunDirectory run(folder.path()); },
                           {"run.dir = ", "holds a run already (weights.safetensors)"}));
  EXPECT_EQ(content(folder.path() / "weights.safetensors"), "mine");
}

TEST(RunDirectory, TakesAFolderThatHoldsNoRun) {
  const TemporaryFolder folder;
  folder.write("notes.txt", "mine");
  const RunDirectory run(folder.path());
  EXPECT_EQ(content(folder.path() / "notes.txt"), "mine");
}

TEST(RunDirectory, ThatCannotBeMadeLeavesNothing) {
  const TemporaryFolder folder;
  folder.write("file", "mine");
  for (const fs::path& path :
       {folder.path() / "file", folder.path() / "file" / "run", folder.path() / std::string(300, 'x'),
        folder.path() / "new" / std::string(300, 'x')}) {
    EXPECT_TRUE(is_bad_input([&] { RunDirectory run(path); }, {"run.dir = ", "cannot be written"})) << path;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
  EXPECT_EQ(content(folder.path() / "file"), "mine");
}

}  // namespace
}  // namespace lockstep
