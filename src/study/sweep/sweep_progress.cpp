#include "study/sweep/sweep_progress.hpp"

#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "lockstep/core/log.hpp"
#include "study/sweep/sweep_results.hpp"

namespace lockstep {

namespace fs = std::filesystem;

std::string configuration_text(const SweepPlan& plan, Index point) {
  return to_text(settings_of(with_absolute_paths(plan.points[static_cast<std::size_t>(point)])));
}

void write_configurations(SweepPlan plan) {
  const fs::path folder = plan.folder;
  for (Config& point : plan.points) point = with_absolute_paths(std::move(point));
  write_file(folder / "config.cfg", to_text(shared_settings(plan)));
  fs::create_directories(folder / "points");
  for (Index point = 0; point < plan.grid.size(); ++point) {
    write_file(folder / config_file(point), configuration_text(plan, point));
  }
}

SweepProgress::SweepProgress(const SweepPlan& plan, SweepJournal& journal, Index groups)
    : plan_(plan), journal_(journal), groups_(groups) {
  if (!plan.halving.is_on()) return;
  log::info(fmt::format("sweep    {} in {} rungs, into {}", count_of(plan.grid.size(), "point"),
                        plan.halving.rungs(), plan.folder));
}

void SweepProgress::begin_rung(Index rung, const std::vector<Index>& points) {
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
  log::info(plan_.halving.is_on() ? fmt::format("rung     {} of {}, {}: {}", rung + 1, plan_.halving.rungs(),
                                                plan_.halving.share(rung), what)
                                  : fmt::format("sweep    {}, into {}", what, plan_.folder));
}

void SweepProgress::begin(Index point) {
  progress_->begin(fmt::format("point {}, {}", point + 1, plan_.grid.name(point)));
}

void SweepProgress::step(const StepReport& report, TrainingPlan plan) {
  plan.total_steps = plan_.halving.steps(plan.total_steps, rung_);
  progress_->step(report, plan);
}

void SweepProgress::say() {
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

}  // namespace lockstep
