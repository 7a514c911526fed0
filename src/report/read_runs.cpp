#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/file_lock.hpp"
#include "core/json.hpp"
#include "core/lines.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "report/run_record.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

/// Lines that no run has.
constexpr std::array<std::string_view, 5> kOfStudies = {"measurement", "path", "sweep", "scaling", "plan"};

std::string read_text(const fs::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void read_config(RunRecord& run) {
  const fs::path file = run.folder / "config.cfg";
  std::string section;
  for_each_line(read_text(file), [&](std::string_view line, std::size_t number) {
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) return;
    const std::size_t equals = line.find('=');
    if (line.starts_with('[') && line.ends_with(']')) {
      section = line.substr(1, line.size() - 2);
    } else if (equals != std::string_view::npos) {
      run.config.emplace_back(section + "." + std::string(trim(line.substr(0, equals))),
                              trim(line.substr(equals + 1)));
    } else {
      fail_input("{}:{}: expected [section] or key = value; restore the file", file.string(), number);
    }
  });
}

void add_step(RunRecord& run, const Json& line) {
  run.step.push_back(number(line, "step"));
  run.epoch.push_back(number(line, "epoch"));
  run.loss.push_back(number(line, "loss"));
  run.learning_rate.push_back(number(line, "learning_rate"));
  run.gradient_norm.push_back(number(line, "gradient_norm"));
  run.samples_per_second.push_back(number(line, "samples_per_second"));
  run.noise_scale.push_back(line.contains("noise_scale") ? number(line, "noise_scale") : kAbsent);
  run.skipped.push_back(line.value("skipped", false));
  double time = run.time.empty() ? 0 : run.time.back();
  const Json seconds = line.value("seconds", Json::object());
  for (const auto& item : seconds.items()) {
    const auto known = std::find_if(run.seconds.begin(), run.seconds.end(),
                                    [&](const auto& part) { return part.first == item.key(); });
    auto& column = known != run.seconds.end()
                       ? known->second
                       : run.seconds.emplace_back(item.key(), std::vector<double>()).second;
    column.resize(run.step.size() - 1, kAbsent);
    column.push_back(number(seconds, item.key().c_str()));
    if (std::isfinite(column.back())) time += column.back();
  }
  run.time.push_back(time);
}

void add_line(RunRecord& run, const Json& line) {
  const std::string event = line.at("event").get<std::string>();
  if (event == "start") {
    run.start = line;
    run.libraries = join(line.value("libraries", std::vector<std::string>()));
  }
  if (event == "step") add_step(run, line);
  if (event == "evaluation") run.evaluations.push_back(evaluation_record(line));
  if (event == "end") run.end = line;
  if (event == "stop") run.stop = line;
  if (event == "resume") run.stop = nullptr;
  run.last_sign = line.value("time", run.last_sign);
  run.is_study = run.is_study || std::find(kOfStudies.begin(), kOfStudies.end(), event) != kOfStudies.end();
}

RunStatus status_of(const RunRecord& run) {
  if (!run.end.is_null()) return RunStatus::kFinished;
  if (is_locked(run.folder / "metrics.jsonl") && run.stop.is_null()) return RunStatus::kRunning;
  const bool failed = run.stop.is_object() && run.stop.value("failed", false);
  return failed ? RunStatus::kFailed : RunStatus::kInterrupted;
}

void read_metrics(RunRecord& run) {
  const fs::path file = run.folder / "metrics.jsonl";
  std::string text = read_text(file);
  const std::size_t last = text.rfind('\n') + 1;
  if (parse_json_or_nothing<Json>(std::string_view(text).substr(last)).is_discarded()) text.resize(last);
  for_each_line(text, [&](std::string_view line, std::size_t line_number) {
    try {
      add_line(run, parse_json<Json>(line));
    } catch (const nlohmann::json::exception& error) {
      fail_input("{}:{}: damaged ({}); restore the file, or remove that line", file.string(), line_number,
                 error.what());
    }
  });
  if (run.is_study) {
    fail_input("{}: holds a study, whose page is its report.html; give the directory of a run",
               run.folder.string());
  }
  for (auto& [part, column] : run.seconds) column.resize(run.step.size(), kAbsent);
  run.status = status_of(run);
}

/// Null where there is no such file.
Json read_json(const fs::path& file) {
  std::error_code unreadable;
  if (!fs::exists(file, unreadable)) return nullptr;
  try {
    return parse_json<Json>(read_text(file));
  } catch (const nlohmann::json::exception& error) {
    fail_input("{}: damaged ({}); restore or remove it", file.string(), error.what());
  }
}

RunRecord read_run(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / "metrics.jsonl", error)) {
    fail_input("{}: not a run directory (it has no metrics.jsonl); give the run.dir of a training run",
               folder.string());
  }
  RunRecord run;
  run.folder = folder;
  read_config(run);
  read_metrics(run);
  run.predictions = read_json(folder / "predictions.json");
  run.augmented = read_json(folder / "augmented.json");
  run.filters = read_json(folder / "filters.json");
  return run;
}

/// The last `count` folders of `path`.
std::string last_folders(const fs::path& path, std::ptrdiff_t count) {
  fs::path name;
  for (auto part = path.end(); part != path.begin() && count > 0; --count) {
    --part;
    name = name.empty() ? *part : *part / name;
  }
  return name.string();
}

/// Errors: two of `runs` are the same folder.
void check_different(const std::vector<RunRecord>& runs) {
  std::map<std::pair<dev_t, ino_t>, const RunRecord*> known;
  for (const RunRecord& run : runs) {
    struct stat status {};
    if (stat(run.folder.c_str(), &status) != 0) continue;
    const auto [same, is_new] = known.try_emplace({status.st_dev, status.st_ino}, &run);
    if (is_new) continue;
    fail_input("{}: the same run as {}; give each run once", run.folder.string(),
               same->second->folder.string());
  }
}

/// Names each run by its folder; runs that then share a name take one more folder until none do. A name of
/// its own comes before that of the folder.
void name_runs(std::vector<RunRecord>& runs) {
  std::vector<fs::path> paths;
  paths.reserve(runs.size());
  for (const RunRecord& run : runs) {
    const fs::path path = fs::absolute(run.folder).lexically_normal();
    paths.push_back(path.has_filename() ? path : path.parent_path());
  }
  bool all_named = false;
  for (std::ptrdiff_t count = 1; !all_named; ++count) {
    std::map<std::string, std::size_t> uses;
    for (const fs::path& path : paths) ++uses[last_folders(path, count)];
    all_named = true;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (!runs[i].name.empty()) continue;
      const std::string name = last_folders(paths[i], count);
      if (uses[name] == 1 || std::distance(paths[i].begin(), paths[i].end()) <= count) runs[i].name = name;
      all_named = all_named && !runs[i].name.empty();
    }
  }
  std::map<Json, std::size_t> uses;
  for (const RunRecord& run : runs) ++uses[run.setting("run.name")];
  for (RunRecord& run : runs) {
    const Json given = run.setting("run.name");
    if (given.is_null() || given == "") continue;
    const auto text = given.get<std::string>();
    const bool is_folder = std::ranges::count(runs, text, &RunRecord::name) > (run.name == text ? 1 : 0);
    run.name = uses[given] == 1 && !is_folder ? text : fmt::format("{} ({})", text, run.name);
  }
}

}  // namespace

std::vector<RunRecord> read_runs(const std::vector<fs::path>& folders) {
  if (folders.empty()) fail_input("report: expected a run directory, as in 'lockstep report runs/example'");
  std::vector<RunRecord> runs;
  runs.reserve(folders.size());
  for (const fs::path& folder : folders) runs.push_back(read_run(folder));
  check_different(runs);
  name_runs(runs);
  return runs;
}

}  // namespace lockstep
