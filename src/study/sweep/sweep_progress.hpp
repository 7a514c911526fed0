#pragma once

#include <optional>
#include <set>
#include <vector>

#include "study/sweep/sweep_journal.hpp"
#include "study/sweep/sweep_plan.hpp"
#include "study/trainings_progress.hpp"

namespace lockstep {

/// The configuration of `point`, as a file has it. Local.
std::string configuration_text(const SweepPlan& plan, Index point);

/// Writes config.cfg and points/N.cfg into the sweep's folder. Local.
void write_configurations(SweepPlan plan);

/// Tells the person, on rank 0, what all groups have finished. Local.
class SweepProgress {
 public:
  SweepProgress(const SweepPlan& plan, SweepJournal& journal, Index groups);

  void begin_rung(Index rung, const std::vector<Index>& points);
  /// A training of this process' group.
  void begin(Index point);
  void step(const StepReport& report, TrainingPlan plan);
  /// Tells what was finished since the last call, and whether the folder had to be made again.
  void say();

 private:
  const SweepPlan& plan_;
  SweepJournal& journal_;
  Index groups_;
  Index rung_ = 0;
  std::optional<TrainingsProgress> progress_;  // of the rung
  std::set<Index> said_;
};

}  // namespace lockstep
