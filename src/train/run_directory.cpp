#include "lockstep/train/run_directory.hpp"

#include <ctime>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "lockstep/core/error.hpp"
#include "lockstep/core/file.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr auto kMetrics = "metrics.jsonl";

/// `path` and the folders above it, as far as they are not there yet, the deepest first.
std::vector<fs::path> missing_folders(fs::path path) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (; !path.empty() && !fs::exists(path, error); path = path.parent_path()) missing.push_back(path);
  return missing;
}

}  // namespace

std::string to_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string default_run_path(const std::string& prefix) {
  return fmt::format("runs/{}{}{:%Y-%m-%d-%H%M%S}", prefix, prefix.empty() ? "" : "-",
                     fmt::localtime(std::time(nullptr)));
}

void refuse_run_in(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / kMetrics, error)) return;
  fail_input("run.dir = {}: holds a run already; give another folder, or remove that one", folder.string());
}

RunDirectory::RunDirectory(fs::path path) : path_(std::move(path)) {
  refuse_run_in(path_);
  std::error_code error;
  const std::vector<fs::path> missing = missing_folders(path_);
  fs::create_directories(path_, error);
  if (!error) metrics_.open(path_ / kMetrics);
  if (error || !metrics_) {
    for (const fs::path& folder : missing) fs::remove(folder, error);
    fail_input("run.dir = {}: cannot be written; give a folder that you may write to", path_.string());
  }
}

void RunDirectory::write(const std::string& name, const std::string& text) const {
  write_file(path_ / name, text);
}

void RunDirectory::metric(const nlohmann::ordered_json& line) {
  metrics_ << to_line(line) << std::endl;
  if (metrics_ || warned_) return;
  warned_ = true;
  log::warn(fmt::format("{}/metrics.jsonl can no longer be written; is the disk full? The run goes on",
                        path_.string()));
}

}  // namespace lockstep
