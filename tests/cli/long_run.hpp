#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "program.hpp"

namespace lockstep::test {

/// Settings of a run of half a second in one process, seconds on three ranks, which checkpoints every 50
/// of its steps, with an optimizer that keeps vectors, a moving average, dropout, ragged batches and
/// evaluations. `run_dir` is below the current folder.
Words long_training(const std::string& run_dir);

/// The checkpoint with the largest step; empty where there is none.
std::filesystem::path newest_checkpoint(const std::filesystem::path& run_dir);

/// Whether the run in `run_dir` comes to `step`, or to a checkpoint after `last`, in time.
bool wait_for_step(const std::filesystem::path& run_dir, std::uint64_t step);
bool wait_for_checkpoint(const std::filesystem::path& run_dir, const std::filesystem::path& last = {});

/// The ranks that `launcher` started in `folder`.
std::vector<pid_t> ranks_of(pid_t launcher, const std::filesystem::path& folder);

/// Whether a process has the metrics of `run_dir` open for writing.
bool is_running(const std::filesystem::path& run_dir);

/// Name of the checkpoint of `step`.
std::string file_name_of(std::uint64_t step);

/// The metrics of `run_dir` without the lines and fields that tell when and where it ran.
std::vector<nlohmann::json> what_was_computed(const TemporaryFolder& folder, const std::string& run_dir);

/// The bytes of `file`.
std::string content_of(const std::filesystem::path& file);

/// Expects that the metrics of `run_dir`, but for times and what says where it ran, and its best weights are
/// those of the same run undisturbed, which is made in "undisturbed" of `folder` unless it is there.
void expect_same_metrics(const TemporaryFolder& folder, const std::string& run_dir);

}  // namespace lockstep::test
