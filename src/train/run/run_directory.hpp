#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lockstep {

class EventFile;
class MetricsFile;

/// The folder of one run. Only one rank has it.
class RunDirectory {
 public:
  /// Makes folder `path` and what it holds. Errors: a folder that holds a run already, or can't be written; a
  /// folder made here does not stay then.
  explicit RunDirectory(std::filesystem::path path);

  /// Goes on with the run in `path` after `step`: later lines of its metrics are cut off, its events are
  /// removed, see write_events, and after step 0, where it begins anew, also its best weights. Errors: a
  /// folder that can't be written; a run there that still goes on.
  RunDirectory(std::filesystem::path path, std::uint64_t step);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Whether somebody has removed or moved the folder, or its metrics.
  bool is_gone() const;

  /// Writes `text` to `name`, whole or not at all.
  void write(const std::string& name, const std::string& text) const;

  /// From here on, keeps what metrics.jsonl holds, and will hold, also as events for TensorBoard. Errors:
  /// that can't be.
  void write_events();

  /// Appends one line to metrics.jsonl. Numbers that JSON has not (NaN) become null. What can't be written is
  /// warned of once; the run is worth more.
  void record(const nlohmann::ordered_json& line);
  /// The same with the "time" when it was written, in seconds since 1970.
  void metric(nlohmann::ordered_json line);

  /// Returns when metrics.jsonl is on the disk. May be called on another thread.
  void sync() const;

 private:
  std::filesystem::path path_;
  std::unique_ptr<MetricsFile> metrics_;
  std::unique_ptr<EventFile> events_;  // where they are asked for
};

/// Whether metrics.jsonl in `folder` says that its run has ended.
bool has_ended(const std::filesystem::path& folder);

/// The whole command that goes on with the run in `folder`, as far as it can be known how this one was
/// started.
std::string resume_command(const std::filesystem::path& folder);

/// Errors: `folder` holds a run already, with what to do about that: one that goes on, has ended or was
/// interrupted.
void refuse_run_in(const std::filesystem::path& folder);

/// The weights that `given` names: the file, or in the directory of a run that has ended its best, or those
/// it ended with where it held out no samples to choose by; in that of a sweep that has ended, those of its
/// best point. Errors: a folder without weights.
std::filesystem::path weights_file(const std::filesystem::path& given);

/// Whether a run, study or sweep wrote the configuration `file`: it stands in their folder, or is that of a
/// sweep's point.
bool is_config_of_run(const std::filesystem::path& file);

/// `json` on one line; bytes that are no UTF-8 are replaced.
std::string to_line(const nlohmann::ordered_json& json);

/// Makes a folder that no other process has been given, for a run that was given none, and returns it:
/// runs/DATE-TIME, or runs/PREFIX-DATE-TIME; -2, -3 … follow where that is there. Errors: can't be made.
std::string make_run_folder(const std::string& prefix = "");

}  // namespace lockstep
