#include "sweep_journal.hpp"

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "sweep_plan.hpp"

#include "lockstep/core/error.hpp"
#include "lockstep/core/json.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/refusal.hpp"
#include "lockstep/train/run_directory.hpp"

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

std::optional<Index> SweepJournal::claim(Index points, Index group) {
  std::optional<Index> taken;
  file_->exclusively([&] {
    read();
    for (Index point = 0; point < points && !taken; ++point) {
      if (!finished_.contains(point) && !claimed_.contains(point)) taken = point;
    }
    if (taken) append({{"event", "claim"}, {"point", *taken + 1}, {"group", group}});
  });
  return taken;
}

void SweepJournal::finish(Index point, const Json& result) {
  Json line = {{"event", "point"}, {"point", point + 1}};
  line.update(result);
  file_->exclusively([&] { append(line); });
}

void SweepJournal::end() {
  file_->exclusively([&] {
    read();
    if (!ended_) append({{"event", "end"}, {"points", finished_.size()}});
  });
}

const std::map<Index, Json>& SweepJournal::read() {
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
  const auto point = [&] { return line.at("point").get<Index>() - 1; };
  if (event == "sweep") description_ = line;
  if (event == "begin") claimed_.clear();
  if (event == "claim") claimed_.insert(point());
  if (event == "point") finished_[point()] = line;
  ended_ = ended_ || event == "end";
}

void SweepJournal::append(const Json& line) { file_->append(to_line(line)); }

}  // namespace lockstep
