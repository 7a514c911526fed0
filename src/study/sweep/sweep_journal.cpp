#include "study/sweep/sweep_journal.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/json.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "study/sweep/sweep_plan.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr auto kJournal = "metrics.jsonl";

/// Errors: several groups, who would take the same points.
void go_without_locks(const fs::path& folder, const std::string& reason, Index groups) {
  if (groups > 1) {
    fail_input(
        "run.dir = {}: its file system has no locks ({}), without which groups of ranks can't share the "
        "points; "
        "give a folder elsewhere, or --groups 1",
        folder.string(), reason);
  }
  log::warn(fmt::format(
      "lockstep: run.dir = {}: its file system has no locks ({}); a second sweep in this folder would not be "
      "noticed",
      folder.string(), reason));
}

}  // namespace

SweepJournal::SweepJournal(const fs::path& folder) : path_(folder / kJournal) {
  std::error_code error;
  if (!fs::exists(path_, error)) {
    fail_input(
        "run.dir = {}: not seen by all groups of ranks; give a folder that all nodes share, or --groups 1",
        folder.string());
  }
  file_ = std::make_unique<LineFile>(path_);
}

Json SweepJournal::description_in(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / kJournal, error)) return {};
  SweepJournal journal(folder);
  journal.read();
  return journal.description_;
}

void SweepJournal::check(const fs::path& folder, const Json& description) {
  std::error_code error;
  if (!fs::exists(folder / kJournal, error)) return;
  SweepJournal journal(folder);
  journal.read();
  if (journal.lines_ == 0) return;
  if (journal.description_.is_null()) refuse_run_in(folder);
  const std::string difference = first_difference(journal.description_, description);
  if (difference.empty()) return;
  fail_input("run.dir = {}: holds another sweep ({}); repeat that one, or give another folder",
             folder.string(), difference);
}

SweepJournal SweepJournal::begin(const fs::path& folder, const Json& description, int ranks, Index groups) {
  check(folder, description);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail_input("run.dir = {}: cannot be written {}", folder.string(),
               because(error.value(), "give a folder that you may write to"));
  }
  const LineFile made(folder / kJournal);  // made where it is not there yet
  SweepJournal journal(folder);
  const Lock lock = journal.file_->try_own();
  if (lock == Lock::kTaken) {
    fail_input("run.dir = {}: this sweep is running there; wait for its end, or give another folder",
               folder.string());
  }
  if (lock == Lock::kRefused) go_without_locks(folder, std::generic_category().message(errno), groups);
  journal.file_->exclusively([&] {
    journal.read();
    if (journal.lines_ == 0) journal.append(description);
    journal.append({{"event", "begin"}, {"ranks", ranks}, {"groups", groups}});
  });
  return journal;
}

std::optional<Index> SweepJournal::claim(Index rung, const std::vector<Index>& points, Index group) {
  std::optional<Index> taken;
  exclusively([&] {
    read();
    const auto open = std::find_if(points.begin(), points.end(), [&](Index point) {
      return !finished_.contains({rung, point}) && !claimed_.contains({rung, point});
    });
    if (open == points.end() || stops_) return;
    taken = *open;
    append({{"event", "claim"}, {"point", *taken + 1}, {"rung", rung + 1}, {"group", group}});
  });
  return taken;
}

void SweepJournal::finish(const SweepTask& task, const Json& result) {
  Json line = {{"event", "point"}, {"point", task.point + 1}, {"rung", task.rung + 1}};
  line.update(result);
  exclusively([&] { append(line); });
}

void SweepJournal::extend(const Json& description) {
  exclusively([&] { append(description); });
}

void SweepJournal::stop() {
  exclusively([&] { append({{"event", "stop"}}); });
}

void SweepJournal::end() {
  exclusively([&] {
    read();
    if (ended_) return;
    const auto points = std::count_if(finished_.begin(), finished_.end(),
                                      [](const auto& entry) { return entry.first.rung == 0; });
    append({{"event", "end"}, {"points", points}});
  });
}

void SweepJournal::keep() {
  exclusively([] {});
}

void SweepJournal::exclusively(const std::function<void()>& action) {
  try {
    file_->exclusively(action);
  } catch (const Error& error) {
    if (!file_->is_gone()) throw;
    throw Error(
        error.code(),
        fmt::format("run.dir = {}: was removed or moved while the sweep ran, and can't be made again "
                    "({}); its results so far are in {}: put that into a folder as {}, and give this as "
                    "run.dir to go on",
                    path_.parent_path().string(), error.what(), save_elsewhere().string(), kJournal));
  }
}

/// Returns the file, which is the same for all groups of a node.
fs::path SweepJournal::save_elsewhere() const {
  fs::path file =
      fs::temp_directory_path() /
      fmt::format("lockstep-sweep-{}.jsonl", description_.value("points_digest", std::to_string(getpid())));
  write_file(file, file_->text());
  return file;
}

const std::map<SweepTask, Json>& SweepJournal::read() {
  for (const std::string& line : file_->new_lines()) {
    ++lines_;
    try {
      take(line);
    } catch (const nlohmann::json::exception& error) {
      fail_input("{}:{}: damaged ({}); restore the file, or remove that line", path_.string(), lines_,
                 error.what());
    }
  }
  return finished_;
}

void SweepJournal::take(const std::string& text) {
  Json line = parse_json<Json>(text);
  const std::string event = line.at("event").get<std::string>();
  const auto task = [&] {  // a version before wrote no rungs
    return SweepTask{line.value("rung", Index{1}) - 1, line.at("point").get<Index>() - 1};
  };
  if (event == "sweep") {
    description_ = line;
    ended_ = false;
  }
  if (event == "begin") {
    claimed_.clear();
    stops_ = false;
  }
  if (event == "claim") claimed_.insert(task());
  if (event == "point") finished_[task()] = line;
  stops_ = stops_ || event == "stop";
  ended_ = ended_ || event == "end";
}

void SweepJournal::append(const Json& line) { file_->append(to_line(line)); }

}  // namespace lockstep
