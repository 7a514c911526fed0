#include "study/sweep/sweep.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/parallel/partition.hpp"
#include "lockstep/train/step_times.hpp"
#include "report/page.hpp"
#include "study/curve.hpp"
#include "study/sweep/sweep_journal.hpp"
#include "study/sweep/sweep_plan.hpp"
#include "study/sweep/sweep_results.hpp"
#include "study/trainings_progress.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

/// The group of `rank`, one of `groups` that the ranks are cut into.
Index group_of(Index rank, Index ranks, Index groups) {
  Index group = 0;
  while (part_of(ranks, groups, group).last <= rank) ++group;
  return group;
}

void write_configurations(SweepPlan plan) {
  const fs::path folder = plan.folder;
  for (Config& point : plan.points) point = with_absolute_paths(std::move(point));
  write_file(folder / "config.cfg", to_text(shared_settings(plan)));
  fs::create_directories(folder / "points");
  for (Index point = 0; point < plan.grid.size(); ++point) {
    write_file(folder / config_file(point),
               to_text(settings_of(plan.points[static_cast<std::size_t>(point)])));
  }
}

/// Tells the person, on rank 0, what all groups have finished. Local.
class SweepProgress {
 public:
  SweepProgress(const SweepPlan& plan, SweepJournal& journal, Index groups)
      : plan_(plan), journal_(journal), progress_(groups) {
    progress_.expect(plan.grid.size());
    for (const auto& [point, result] : journal_.read()) {
      said_.insert(point);
      progress_.count_earlier(choice_loss(from_result(result, plan.grid.name(point))));
    }
    log::info(fmt::format("sweep    {}, {} of them finished before, into {}",
                          count_of(plan.grid.size(), "point"), said_.size(), plan.folder));
  }

  void begin(Index point) { progress_.begin(fmt::format("point {}, {}", point + 1, plan_.grid.name(point))); }

  void step(const StepReport& report, const TrainingPlan& plan) { progress_.step(report, plan); }

  void say() {
    if (journal_.take_renewal()) {
      write_configurations(plan_);
      log::warn(
          fmt::format("lockstep: run.dir = {}: was removed or moved while the sweep ran; it is made again, "
                      "with all results",
                      plan_.folder));
    }
    for (const auto& [point, result] : journal_.read()) {
      if (!said_.insert(point).second) continue;
      const std::string name = plan_.grid.name(point);
      const Curve curve = from_result(result, name);
      log::info(fmt::format("point    {} of {}, {}: {}; {}", point + 1, plan_.grid.size(), name,
                            outcome(curve), progress_.end(choice_loss(curve))));
    }
  }

 private:
  const SweepPlan& plan_;
  SweepJournal& journal_;
  TrainingsProgress progress_;
  std::set<Index> said_;
};

/// The points that one group of ranks trains, one after another; the group's rank 0 has the journal.
struct Group {
  const SweepPlan& plan;
  Communicator& communicator;
  Index number;
  SweepJournal* journal;
  SweepProgress* progress;  // on rank 0 of all groups

  /// Collective over the group.
  std::optional<Index> next() const {
    constexpr Index kNone = -1;
    Index point = kNone;
    together(communicator, [&] {
      if (journal != nullptr) point = journal->claim(plan.grid.size(), number).value_or(kNone);
    });
    communicator.broadcast(std::as_writable_bytes(std::span(&point, 1)), 0);
    return point == kNone ? std::nullopt : std::optional(point);
  }

  /// Collective over the group.
  void train_all() const {
    for (std::optional<Index> point = next(); point; point = next()) {
      Stopwatch watch;
      const Config& config = plan.points[static_cast<std::size_t>(*point)];
      if (progress != nullptr) progress->begin(*point);
      const Curve curve = train_curve(config, communicator, plan.evaluations,
                                      [this](const StepReport& report, const TrainingPlan& training) {
                                        if (progress != nullptr) progress->step(report, training);
                                      });
      together(communicator, [&] {
        if (journal == nullptr) return;
        nlohmann::ordered_json result = to_result(curve);
        result.update({{"seconds", watch.lap()}, {"ranks", communicator.size()}, {"group", number}});
        journal->finish(*point, result);
        if (progress != nullptr) progress->say();
      });
    }
  }
};

void write_results(const SweepPlan& plan, SweepJournal& journal) {
  const fs::path folder = plan.folder;
  const std::vector<Curve> results = results_of(plan, journal.read());
  write_file(folder / "table.csv", table_csv(plan, results));
  write_file(folder / "table.jsonl", table_jsonl(plan, results));
  write_file(folder / "report.html", page_html(sweep_document(plan, results)));
  journal.end();
  for (const std::string& finding : sweep_findings(plan, results))
    log::info(fmt::format("found    {}", finding));
  log::info(fmt::format("table    {}", (folder / "table.csv").string()));
  log::info(fmt::format("page     {}", (folder / "report.html").string()));
}

}  // namespace

void run_sweep(const SweepRequest& request, Communicator& world) {
  SweepPlan plan = plan_sweep(request, world.size());
  const nlohmann::ordered_json description = describe(plan);

  const bool is_first = world.rank() == 0;
  const Index number = group_of(world.rank(), world.size(), request.groups);
  const std::unique_ptr<Communicator> group = world.split(static_cast<int>(number));
  std::optional<SweepJournal> journal;
  together(world, [&] {
    if (!is_first) return;
    if (!plan.folder.empty()) SweepJournal::check(plan.folder, description);
    check_points(plan);
    if (plan.folder.empty()) plan.folder = make_run_folder("sweep");
    journal.emplace(SweepJournal::begin(plan.folder, description, world.size(), request.groups));
    write_configurations(plan);
  });
  plan.folder = broadcast_text(world, plan.folder, 0);
  together(world, [&] {
    if (!is_first && group->rank() == 0) journal.emplace(plan.folder);
  });
  std::optional<SweepProgress> progress;
  if (is_first) progress.emplace(plan, *journal, request.groups);
  in_groups(world, *group, [&] {
    Group{plan, *group, number, journal ? &*journal : nullptr, progress ? &*progress : nullptr}.train_all();
  });
  together(world, [&] {
    if (!is_first) return;
    journal->keep();
    progress->say();
    write_results(plan, *journal);
  });
}

}  // namespace lockstep
