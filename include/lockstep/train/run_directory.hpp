#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lockstep {

/// The folder of one run. Only one rank has it.
class RunDirectory {
 public:
  /// Makes folder `path` and what it holds. Errors: a folder that holds a run already, or can't be written; a
  /// folder made here does not stay then.
  explicit RunDirectory(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }

  /// Writes `text` to `name`, whole or not at all.
  void write(const std::string& name, const std::string& text) const;

  /// Appends one line to metrics.jsonl. Numbers that JSON has not (NaN) become null. What can't be
  /// written is warned of once; the run is worth more.
  void metric(const nlohmann::ordered_json& line);

 private:
  std::filesystem::path path_;
  std::ofstream metrics_;
  bool warned_ = false;
};

/// Errors: `folder` holds a run already.
void refuse_run_in(const std::filesystem::path& folder);

/// `json` on one line; bytes that are no UTF-8 are replaced.
std::string to_line(const nlohmann::ordered_json& json);

/// runs/DATE-TIME, or runs/PREFIX-DATE-TIME, for a run that was given no folder.
std::string default_run_path(const std::string& prefix = "");

}  // namespace lockstep
