#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "study/curve_training.hpp"
#include "study/sweep/sweep_journal.hpp"
#include "study/sweep/sweep_plan.hpp"
#include "study/sweep/sweep_progress.hpp"

namespace lockstep {

/// The states of points between two rungs, in the sweep's folder, and that of a point after one.
inline constexpr auto kStates = "states";
std::filesystem::path state_file(const SweepPlan& plan, const SweepTask& task);

/// One group of ranks, which trains points one after another. Its rank 0 has the journal, and rank 0 of all
/// groups the progress. Verbs are collective over the group.
class SweepTrainer {
 public:
  SweepTrainer(const SweepPlan& plan, Communicator& group, Index number, SweepJournal* journal,
               SweepProgress* progress)
      : plan_(plan),
        group_(group),
        number_(number),
        journal_(journal),
        progress_(progress),
        problems_(group) {}

  Communicator& group() { return group_; }
  Index number() const { return number_; }
  /// The signal that has stopped it, or 0: `train_all` and `train_again` return then.
  int stopped() const { return stopped_; }

  /// Trains those of `points` through `rung` that nobody else takes.
  void train_all(Index rung, const std::vector<Index>& points);
  /// Trains the first `rungs` of a point for its weights alone, see point_weights.
  void train_again(Index point, Index rungs);

 private:
  std::optional<Index> next(Index rung, const std::vector<Index>& points) const;
  CurveTraining training_of(Index point);
  Index begin(CurveTraining& training, const SweepTask& task) const;
  std::optional<Curve> train(const SweepTask& task);
  void keep(CurveTraining& training, const SweepTask& task, const Curve& curve) const;
  bool run(CurveTraining& training, Index rung);

  const SweepPlan& plan_;
  Communicator& group_;
  Index number_;
  SweepJournal* journal_;
  SweepProgress* progress_;
  PointProblems problems_;
  int stopped_ = 0;
};

}  // namespace lockstep
