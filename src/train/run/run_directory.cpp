#include "train/run/run_directory.hpp"

#include <chrono>
#include <ctime>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/file_lock.hpp"
#include "core/json.hpp"
#include "core/refusal.hpp"
#include "core/text.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/core/error.hpp"
#include "train/run/best_weights.hpp"
#include "train/run/event_file.hpp"
#include "train/run/metrics_file.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr auto kMetrics = "metrics.jsonl";
constexpr auto kWeights = "weights.safetensors";

/// `path` and the folders above it, as far as they are not there yet, the deepest first.
std::vector<fs::path> missing_folders(fs::path path) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (; !path.empty() && !fs::exists(path, error); path = path.parent_path()) missing.push_back(path);
  return missing;
}

/// In whole milliseconds.
double seconds_since_1970() {
  using Milliseconds = std::chrono::milliseconds;
  constexpr double kMillisecond = 1e-3;
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return kMillisecond * static_cast<double>(std::chrono::duration_cast<Milliseconds>(time).count());
}

}  // namespace

std::string to_line(const nlohmann::ordered_json& json) { return json_text(json); }

std::string make_run_folder(const std::string& prefix) {
  const std::string name = fmt::format("runs/{}{}{:%Y-%m-%d-%H%M%S}", prefix, prefix.empty() ? "" : "-",
                                       fmt::localtime(std::time(nullptr)));
  std::error_code error;
  fs::create_directories("runs", error);
  std::string folder = name;
  // Who makes it has it: another process may choose the same name in the same second.
  for (int number = 2; !fs::create_directory(folder, error); ++number) {
    if (error) fail_input("{}: cannot be made ({}); give a folder as run.dir", name, error.message());
    folder = fmt::format("{}-{}", name, number);
  }
  return folder;
}

std::string resume_command(const fs::path& folder) {
  return fmt::format("{} train --resume {}", start_command(), for_shell(folder.string()));
}

void refuse_run_in(const fs::path& folder) {
  if (is_locked(folder / kMetrics)) {
    fail_input("run.dir = {}: a run that still goes on writes it; stop that first, or give another folder",
               folder.string());
  }
  std::error_code error;
  const bool can_go_on = !has_ended(folder) && fs::exists(folder / "checkpoints", error);
  for (const char* const file : {kMetrics, kWeights}) {
    if (!fs::exists(folder / file, error)) continue;
    fail_input("run.dir = {}: holds a run already ({}); give another folder{}", folder.string(), file,
               can_go_on ? fmt::format(", or go on with it: {}", resume_command(folder)) : "");
  }
}

fs::path weights_file(const fs::path& given) {
  std::error_code error;
  if (!fs::is_directory(given, error)) return given;
  if (fs::exists(given / kWeights, error)) {  // else it goes on, and ranks may find different best weights
    return given / (fs::exists(given / kBestWeights, error) ? kBestWeights : kWeights);
  }
  if (has_ended(given) && fs::exists(given / kBestConfig, error) && fs::exists(given / kBestWeights, error)) {
    return given / kBestWeights;
  }
  fail_input(
      "{}: it is a folder without {}; give a file, or the directory of a run or sweep that has ended; other "
      "studies keep no weights",
      given.string(), kWeights);
}

bool has_ended(const fs::path& folder) {
  std::ifstream file(folder / kMetrics);
  std::string last;
  for (std::string line; std::getline(file, line);) last = line;
  const auto json = parse_json_or_nothing<nlohmann::json>(last);
  return json.is_object() && json.value("event", nlohmann::json()) == "end";
}

bool is_config_of_run(const fs::path& file) {
  const fs::path folder = fs::path(file).remove_filename();
  std::error_code error;
  if (file.filename() == "config.cfg" || file.filename() == kBestConfig) {
    return fs::exists(folder / kMetrics, error);
  }
  const bool is_point = folder.parent_path().filename() == "points" && file.extension() == ".cfg";
  return is_point && fs::exists(folder / ".." / kMetrics, error);
}

RunDirectory::RunDirectory(fs::path path) : path_(std::move(path)) {
  refuse_run_in(path_);
  std::error_code error;
  const std::vector<fs::path> missing = missing_folders(path_);
  fs::create_directories(path_, error);
  try {
    if (error) {
      fail_input("run.dir = {}: cannot be written {}", path_.string(),
                 because(error.value(), "give a folder that you may write to"));
    }
    metrics_ = std::make_unique<MetricsFile>(path_ / kMetrics);
    fs::remove(path_ / kBestWeights, error);  // of a run whose other files are gone
    remove_event_files(path_);
  } catch (const Error&) {
    for (const fs::path& folder : missing) fs::remove(folder, error);
    throw;
  }
}

RunDirectory::RunDirectory(fs::path path, std::uint64_t step)
    : path_(std::move(path)), metrics_(std::make_unique<MetricsFile>(path_ / kMetrics)) {
  metrics_->cut(step);
  remove_event_files(path_);
  std::error_code error;
  if (step == 0) fs::remove(path_ / kBestWeights, error);
}

RunDirectory::~RunDirectory() = default;

bool RunDirectory::is_gone() const { return metrics_->is_gone(); }

void RunDirectory::write(const std::string& name, const std::string& text) const {
  write_file(path_ / name, text);
}

void RunDirectory::write_events() {
  const std::vector<std::byte> metrics = read_file(path_ / kMetrics);
  events_ = std::make_unique<EventFile>(
      path_, std::string_view(reinterpret_cast<const char*>(metrics.data()), metrics.size()));
}

void RunDirectory::record(const nlohmann::ordered_json& line) { metrics_->append(to_line(line)); }

void RunDirectory::metric(nlohmann::ordered_json line) {
  line["time"] = seconds_since_1970();
  record(line);
  if (events_) events_->append(line);
}

void RunDirectory::sync() const { metrics_->sync(); }

}  // namespace lockstep
