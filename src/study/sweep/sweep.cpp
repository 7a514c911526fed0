#include "study/sweep/sweep.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
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
#include "study/curve_training.hpp"
#include "study/sweep/halving.hpp"
#include "study/sweep/sweep_journal.hpp"
#include "study/sweep/sweep_plan.hpp"
#include "study/sweep/sweep_results.hpp"
#include "study/trainings_progress.hpp"
#include "train/checkpoint/checkpoint.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

constexpr auto kStates = "states";

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

/// Where a point's training stands after `rung`, for the next rung.
fs::path state_file(const SweepPlan& plan, const SweepTask& task) {
  return fs::path(plan.folder) / kStates / std::to_string(task.rung + 1) /
         fmt::format("{}.safetensors", task.point + 1);
}

/// Removes the states that no point goes on from once `points` are known to go through `rung`.
void remove_states(const SweepPlan& plan, Index rung, const std::vector<Index>& points) {
  std::error_code ignored;
  for (Index before = 0; before < rung; ++before) {
    for (Index point = 0; point < plan.grid.size(); ++point) {
      const bool is_needed = before + 1 == rung && std::binary_search(points.begin(), points.end(), point);
      if (!is_needed) fs::remove(state_file(plan, {before, point}), ignored);
    }
  }
}

/// Tells the person, on rank 0, what all groups have finished. Local.
class SweepProgress {
 public:
  SweepProgress(const SweepPlan& plan, SweepJournal& journal, Index groups)
      : plan_(plan), journal_(journal), groups_(groups) {
    if (!plan.halving.is_on()) return;
    log::info(fmt::format("sweep    {} in {} rungs, into {}", count_of(plan.grid.size(), "point"),
                          plan.halving.rungs(), plan.folder));
  }

  void begin_rung(Index rung, const std::vector<Index>& points) {
    rung_ = rung;
    progress_.emplace(groups_);
    progress_->expect(std::ssize(points));
    said_.clear();
    for (const auto& [task, result] : journal_.read()) {
      if (task.rung != rung) continue;
      said_.insert(task.point);
      progress_->count_earlier(choice_loss(from_result(result, plan_.grid.name(task.point))));
    }
    const std::string what =
        fmt::format("{}, {} of them finished before", count_of(std::ssize(points), "point"), said_.size());
    log::info(plan_.halving.is_on() ? fmt::format("rung     {} of {}, {}: {}", rung + 1,
                                                  plan_.halving.rungs(), plan_.halving.share(rung), what)
                                    : fmt::format("sweep    {}, into {}", what, plan_.folder));
  }

  void begin(Index point) {
    progress_->begin(fmt::format("point {}, {}", point + 1, plan_.grid.name(point)));
  }

  void step(const StepReport& report, TrainingPlan plan) {
    plan.total_steps = plan_.halving.steps(plan.total_steps, rung_);
    progress_->step(report, plan);
  }

  void say() {
    if (journal_.take_renewal()) {
      write_configurations(plan_);
      log::warn(
          fmt::format("lockstep: run.dir = {}: was removed or moved while the sweep ran; it is made again, "
                      "with all results",
                      plan_.folder));
    }
    for (const auto& [task, result] : journal_.read()) {
      if (task.rung != rung_ || !said_.insert(task.point).second) continue;
      const std::string name = plan_.grid.name(task.point);
      const Curve curve = from_result(result, name);
      log::info(fmt::format("point    {} of {}, {}: {}; {}", task.point + 1, plan_.grid.size(), name,
                            outcome(curve), progress_->end(choice_loss(curve))));
    }
  }

 private:
  const SweepPlan& plan_;
  SweepJournal& journal_;
  Index groups_;
  Index rung_ = 0;
  std::optional<TrainingsProgress> progress_;  // of the rung
  std::set<Index> said_;
};

/// The points that one group of ranks trains, one after another; the group's rank 0 has the journal.
struct Group {
  const SweepPlan& plan;
  Communicator& communicator;
  Index number = 0;
  SweepJournal* journal = nullptr;
  SweepProgress* progress = nullptr;  // on rank 0 of all groups
  PointProblems problems;

  /// Collective over the group.
  std::optional<Index> next(Index rung, const std::vector<Index>& points) const {
    constexpr Index kNone = -1;
    Index point = kNone;
    together(communicator, [&] {
      if (journal != nullptr) point = journal->claim(rung, points, number).value_or(kNone);
    });
    communicator.broadcast(std::as_writable_bytes(std::span(&point, 1)), 0);
    return point == kNone ? std::nullopt : std::optional(point);
  }

  /// Begins the training of a point where the rung before has left it. Returns the rung that it has come to.
  /// A state that is lost or damaged is made again from the first step: the same bits. Collective over the
  /// group.
  Index begin(CurveTraining& training, const SweepTask& task) const {
    Checkpoint state;
    std::string result;  // empty: none to go on from
    together(communicator, [&] {
      if (journal == nullptr || task.rung == 0) return;
      const SweepTask before{task.rung - 1, task.point};
      const fs::path file = state_file(plan, before);
      try {
        state = parse_checkpoint(read_file(file), file.string());
        result = journal->read().at(before).dump();
      } catch (const Error& error) {
        log::warn(fmt::format("lockstep: {}; point {} is trained again from its first step", error.what(),
                              task.point + 1));
      }
    });
    result = broadcast_text(communicator, result, 0);
    if (result.empty()) {
      training.begin(!plan.halving.is_on());
      return 0;
    }
    training.begin(from_result(nlohmann::ordered_json::parse(result), ""), state);
    return task.rung;
  }

  /// Collective over the group.
  Curve train(const SweepTask& task) {
    const Config& config = plan.points[static_cast<std::size_t>(task.point)];
    CurveTraining training(config, problems.of(config), communicator, plan.evaluations,
                           [this](const StepReport& report, const TrainingPlan& whole) {
                             if (progress != nullptr) progress->step(report, whole);
                           });
    for (Index rung = begin(training, task); rung <= task.rung; ++rung) {
      training.run(plan.halving.steps(training.plan().total_steps, rung));
    }
    Curve curve = training.curve();
    if (task.rung + 1 < plan.halving.rungs() && !curve.diverged) {
      together(communicator, [&] {
        if (journal == nullptr) return;
        journal->keep();  // never into a folder that has become another's
        fs::create_directories(state_file(plan, task).parent_path());
      });
      training.save(state_file(plan, task));
    }
    return curve;
  }

  /// Collective over the group.
  void train_all(Index rung, const std::vector<Index>& points) {
    for (std::optional<Index> point = next(rung, points); point; point = next(rung, points)) {
      Stopwatch watch;
      if (progress != nullptr) progress->begin(*point);
      const Curve curve = train({rung, *point});
      together(communicator, [&] {
        if (journal == nullptr) return;
        nlohmann::ordered_json result = to_result(curve);
        result.update({{"seconds", watch.lap()}, {"ranks", communicator.size()}, {"group", number}});
        journal->finish({rung, *point}, result);
        if (progress != nullptr) progress->say();
      });
    }
  }
};

/// The points of `rung`, chosen on rank 0, on all. Collective.
std::vector<Index> agree_on_points(const SweepPlan& plan, SweepJournal* journal, Index rung,
                                   Communicator& world) {
  std::vector<Index> points;
  together(world, [&] {
    if (world.rank() != 0) return;
    points = points_of_rung(plan, results_of(plan, journal->read(), rung - 1), rung);
    remove_states(plan, rung, points);
  });
  Index count = std::ssize(points);
  world.broadcast(std::as_writable_bytes(std::span(&count, 1)), 0);
  points.resize(static_cast<std::size_t>(count));
  world.broadcast(std::as_writable_bytes(std::span(points)), 0);
  return points;
}

void write_results(const SweepPlan& plan, SweepJournal& journal) {
  const fs::path folder = plan.folder;
  const std::vector<Curve> results = results_of(plan, journal.read(), plan.halving.rungs() - 1);
  write_file(folder / "table.csv", table_csv(plan, results));
  write_file(folder / "table.jsonl", table_jsonl(plan, results));
  write_file(folder / "report.html", page_html(sweep_document(plan, results)));
  journal.end();
  std::error_code ignored;
  fs::remove_all(folder / kStates, ignored);
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
  SweepJournal* const own_journal = journal ? &*journal : nullptr;
  Group trainer{plan, *group, number, own_journal, progress ? &*progress : nullptr, PointProblems(*group)};
  for (Index rung = 0; rung < plan.halving.rungs(); ++rung) {
    const std::vector<Index> points = agree_on_points(plan, own_journal, rung, world);
    if (progress) progress->begin_rung(rung, points);
    in_groups(world, *group, [&] { trainer.train_all(rung, points); });
    together(world, [&] {
      if (!is_first) return;
      journal->keep();
      progress->say();
    });
  }
  together(world, [&] {
    if (is_first) write_results(plan, *journal);
  });
}

}  // namespace lockstep
