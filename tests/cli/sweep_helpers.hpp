#pragma once

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::test {

/// The bytes of `file`; none where it is not there.
inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The files of a sweep that must not depend on how it was run.
inline std::vector<std::string> results_of(const TemporaryFolder& folder) {
  std::vector<std::string> texts;
  for (const char* const name :
       {"table.csv", "table.jsonl", "report.html", "config.cfg", "best.cfg", "best.safetensors"}) {
    texts.push_back(text_of(folder.path() / "sweep" / name));
    EXPECT_FALSE(texts.back().empty()) << name;
  }
  return texts;
}

/// A sweep into the folder "sweep".
inline Words sweep(const Words& words) { return Words{"sweep", "--run.dir", "sweep"} + words; }

/// Long enough to be interrupted: `steps` of a network on blobs.
inline Words long_training(const std::string& steps) {
  return {
      "--data.source",      "blobs", "--data.samples", "2000", "--model.layers", "linear 128, relu, linear 4",
      "--train.batch-size", "16",    "--train.steps",  steps};
}

/// Trainings of 900 steps in which the patience of some is at its end earlier.
inline Words impatient_training() {
  return {"--data.source",      "blobs", "--data.samples", "210",
          "--data.validation",  "0.1",   "--model.layers", "linear 40, relu, dropout 0.2, linear 4",
          "--train.batch-size", "8",     "--train.steps",  "900",
          "--optimizer.name",   "adamw"};
}

/// Runs it; what it printed.
inline std::string sweep_ok(int ranks, const Words& words, const TemporaryFolder& folder) {
  const Outcome outcome = run_lockstep(ranks, sweep(words), folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

/// Trainings in the journal of that sweep, whose last line may be cut off.
inline std::ptrdiff_t finished(const TemporaryFolder& folder) {
  const std::vector<std::string> lines = lines_of(text_of(folder.path() / "sweep/metrics.jsonl"));
  return std::count_if(lines.begin(), lines.end(),
                       [](const std::string& line) { return line.starts_with(R"({"event":"point")"); });
}

/// Begins or goes on with it, and kills all its processes once `enough` trainings are finished.
inline void kill_sweep(int ranks, const Words& words, std::ptrdiff_t enough, const TemporaryFolder& folder) {
  const std::string run_dir =
      (folder.path() / "sweep").string();  // unlike any other command line on the machine
  Process process(command_line(ranks, Words{"sweep", "--run.dir", run_dir} + words), folder.path());
  ASSERT_TRUE(wait_until(30, [&] { return finished(folder) >= enough; }));
  for (const pid_t id : processes_with(run_dir)) kill(id, SIGKILL);
  EXPECT_NE(process.wait(10).exit_code, 0);
  ASSERT_TRUE(wait_until(10, [&] { return processes_with(run_dir).empty(); }));
}

}  // namespace lockstep::test
