#include "study/sweep/sweep_trainer.hpp"

#include <span>
#include <string>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/signals.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/step_times.hpp"
#include "study/sweep/sweep_results.hpp"
#include "study/sweep/sweep_weights.hpp"

namespace lockstep {

namespace fs = std::filesystem;

fs::path state_file(const SweepPlan& plan, const SweepTask& task) {
  return fs::path(plan.folder) / kStates / std::to_string(task.rung + 1) /
         fmt::format("{}.safetensors", task.point + 1);
}

void SweepTrainer::train_all(Index rung, const std::vector<Index>& points) {
  for (std::optional<Index> point = next(rung, points); point; point = next(rung, points)) {
    Stopwatch watch;
    if (progress_ != nullptr) progress_->begin(*point);
    const std::optional<Curve> curve = train({rung, *point});
    together(group_, [&] {
      if (journal_ == nullptr) return;
      if (!curve) return journal_->stop();
      nlohmann::ordered_json result = to_result(*curve);
      result.update({{"seconds", watch.lap()}, {"ranks", group_.size()}, {"group", number_}});
      journal_->finish({rung, *point}, result);
      if (rung + 1 == plan_.halving.rungs()) remove_losers(plan_, results_of(plan_, journal_->read(), rung));
      if (progress_ != nullptr) progress_->say();
    });
    if (!curve) return;
  }
}

void SweepTrainer::train_again(Index point, Index rungs) {
  CurveTraining training = training_of(point);
  training.begin(false);
  for (Index rung = 0; rung < rungs; ++rung) {
    if (!run(training, rung)) return;
  }
  const fs::path file = point_weights(plan_, point);
  together(group_, [&] {
    if (journal_ != nullptr) fs::create_directories(file.parent_path());
  });
  training.save_weights(file);
}

std::optional<Index> SweepTrainer::next(Index rung, const std::vector<Index>& points) const {
  constexpr Index kNone = -1;
  Index point = kNone;
  together(group_, [&] {
    if (journal_ != nullptr) point = journal_->claim(rung, points, number_).value_or(kNone);
  });
  group_.broadcast(std::as_writable_bytes(std::span(&point, 1)), 0);
  return point == kNone ? std::nullopt : std::optional(point);
}

CurveTraining SweepTrainer::training_of(Index point) {
  const Config& config = plan_.points[static_cast<std::size_t>(point)];
  return {config, problems_.of(config), group_, plan_.evaluations,
          [this](const StepReport& report, const TrainingPlan& whole) {
            if (progress_ != nullptr) progress_->step(report, whole);
            stopped_ = agree_on_stop(group_);
            if (stopped_ != 0) throw Error(ExitCode::kStopped, signal_name(stopped_));
          }};
}

/// Trains to the end of `rung`; false where a signal has stopped it.
bool SweepTrainer::run(CurveTraining& training, Index rung) {
  try {
    training.run(plan_.halving.steps(training.plan().total_steps, rung));
  } catch (const Error&) {
    if (stopped_ == 0) throw;
  }
  return stopped_ == 0;
}

/// Begins the training of a point where the rung before has left it. Returns the rung that it has come to.
/// A state that is lost or damaged is made again from the first step: the same bits.
Index SweepTrainer::begin(CurveTraining& training, const SweepTask& task) const {
  Checkpoint state;
  std::string result;  // empty: none to go on from
  together(group_, [&] {
    if (journal_ == nullptr || task.rung == 0) return;
    const SweepTask before{task.rung - 1, task.point};
    const fs::path file = state_file(plan_, before);
    try {
      state = parse_checkpoint(read_file(file), file.string());
      result = journal_->read().at(before).dump();
    } catch (const Error& error) {
      log::warn(fmt::format("lockstep: {}; point {} is trained again from its first step", error.what(),
                            task.point + 1));
    }
  });
  result = broadcast_text(group_, result, 0);
  if (result.empty()) {
    training.begin(!plan_.halving.is_on());
    return 0;
  }
  training.begin(from_result(nlohmann::ordered_json::parse(result), ""), state);
  return task.rung;
}

/// Nothing where a signal has stopped it.
std::optional<Curve> SweepTrainer::train(const SweepTask& task) {
  CurveTraining training = training_of(task.point);
  for (Index rung = begin(training, task); rung <= task.rung; ++rung) {
    if (!run(training, rung)) return std::nullopt;
  }
  Curve curve = training.curve();
  if (!curve.diverged) keep(training, task, curve);
  return curve;
}

/// Leaves what may be asked for after `task`, of which `curve` came: the state where there is another rung,
/// else the weights.
void SweepTrainer::keep(CurveTraining& training, const SweepTask& task, const Curve& curve) const {
  const bool goes_on = task.rung + 1 < plan_.halving.rungs();
  const fs::path file = goes_on ? state_file(plan_, task) : point_weights(plan_, task.point);
  bool is_asked_for = goes_on;
  together(group_, [&] {
    if (journal_ == nullptr) return;
    std::vector<Curve> results = results_of(plan_, journal_->read(), task.rung);
    Curve& own = results[static_cast<std::size_t>(task.point)];
    own = curve;
    own.rung = task.rung;
    is_asked_for = is_asked_for || may_win(plan_, results, task.point);
    if (!is_asked_for) return;
    journal_->keep();  // never into a folder that has become another's
    fs::create_directories(file.parent_path());
  });
  group_.broadcast(std::as_writable_bytes(std::span(&is_asked_for, 1)), 0);
  if (goes_on) {
    training.save(file);
  } else if (is_asked_for) {
    training.save_weights(file);
  }
}

}  // namespace lockstep
