#pragma once

#include <compare>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/line_file.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

/// The training of a point through one rung of successive halving; without that there is one rung, 0.
struct SweepTask {
  Index rung = 0;
  Index point = 0;
  auto operator<=>(const SweepTask&) const = default;
};

/// What has happened in a sweep so far: its metrics.jsonl, which the groups of ranks share. A claim holds
/// until the next "begin"; a "point" holds for ever. All verbs are local. Where somebody has removed or moved
/// the folder, those that write make it again with all that the journal has. Errors of these: that can't be;
/// the journal is saved elsewhere then.
class SweepJournal {
 public:
  /// Opens the journal of a sweep that has begun. Errors: it is not there.
  explicit SweepJournal(const std::filesystem::path& folder);

  /// The description of the sweep in `folder`; null where there is none. Errors: a damaged journal.
  static nlohmann::ordered_json description_in(const std::filesystem::path& folder);

  /// Whether `folder` can take the sweep of `description`: it holds nothing yet, or this sweep, unfinished or
  /// not. Errors: it holds a run or another sweep (the first difference is named), or a damaged journal.
  static void check(const std::filesystem::path& folder, const nlohmann::ordered_json& description);

  /// Begins, or begins again: makes what is missing and forgets the claims of those who are gone. Errors:
  /// those of check; a folder that can't be written, or where the sweep is running already; several groups in
  /// a folder without locks, of which one group is warned.
  static SweepJournal begin(const std::filesystem::path& folder, const nlohmann::ordered_json& description,
                            int ranks, Index groups);

  /// Takes the first of the rung's `points` that is neither finished nor taken; none if there is none.
  std::optional<Index> claim(Index rung, const std::vector<Index>& points, Index group);
  /// Keeps the result of a point.
  void finish(const SweepTask& task, const nlohmann::ordered_json& result);
  /// Says that the sweep is of `description` from here on, which has more points.
  void extend(const nlohmann::ordered_json& description);
  /// Says that the sweep stops, so that no group takes another point until the next "begin".
  void stop();
  /// Says that the sweep is complete, once.
  void end();
  /// Writes nothing, but makes the folder again where it is gone.
  void keep();
  /// Whether the folder was made again since the last call, by this group or another.
  bool take_renewal() { return file_->take_renewal(); }

  /// The results so far.
  const std::map<SweepTask, nlohmann::ordered_json>& read();

 private:
  void take(const std::string& text);
  void append(const nlohmann::ordered_json& line);
  void exclusively(const std::function<void()>& action);
  std::filesystem::path save_elsewhere() const;

  std::filesystem::path path_;
  std::unique_ptr<LineFile> file_;
  std::size_t lines_ = 0;
  nlohmann::ordered_json description_;  // null: none yet
  std::set<SweepTask> claimed_;
  std::map<SweepTask, nlohmann::ordered_json> finished_;
  bool stops_ = false;
  bool ended_ = false;
};

}  // namespace lockstep
