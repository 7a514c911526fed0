#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "process.hpp"
#include "temporary_folder.hpp"

namespace lockstep::test {

using Words = std::vector<std::string>;

/// The command line that runs `lockstep words…` on `ranks` ranks, or without mpirun for 0.
Words command_line(int ranks, const Words& words);

/// `words` with spaces between them.
std::string one_line(const Words& words);

/// The command line that runs `others` on all of `ranks` ranks but the last, and `last` on that.
Words command_line(int ranks, const Words& others, const Words& last);

/// Runs `lockstep words…` in `folder` to its end.
Outcome run_lockstep(int ranks, const Words& words, const TemporaryFolder& folder, double seconds = 60);

/// Runs `lockstep study words…` into the folder "study"; what it printed.
std::string study_ok(int ranks, const Words& words, const TemporaryFolder& folder);

Words operator+(Words a, const Words& b);

/// Settings of a run of well under a second.
Words small_training(const std::string& run_dir);

std::vector<std::string> lines_of(const std::string& text);

/// The lines of `metrics.jsonl` in `run_dir` of `folder`, only those of `event` unless that is empty.
std::vector<nlohmann::json> metrics(const TemporaryFolder& folder, const std::string& run_dir,
                                    const std::string& event = "");

/// What stands below `folder`: paths and sizes.
std::vector<std::string> listing(const TemporaryFolder& folder);

/// Expects that nothing but one line "lockstep: … fragment …" came on standard error, and the exit code.
void expect_one_line(const Outcome& outcome, int exit_code, const std::string& fragment);

}  // namespace lockstep::test
