#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/batch_size/batch_trainings.hpp"
#include "study/batch_size/fit.hpp"

namespace lockstep {

/// What the trainings say of the critical batch.
struct BatchFits {
  BatchFit steps;
  BatchFit samples;
  TradeOff trade_off;

  /// The critical batch by the steps, where the batch sizes bound it on both sides.
  std::optional<double> critical() const;
};

/// Whether an interval says more than that a training takes at least one step and one sample.
bool is_bounded_below(const Estimate& estimate);

/// From the medians of the batch sizes that reached the target; nothing from fewer than two. Local.
std::optional<BatchFits> fit_batches(const std::vector<BatchTrainings>& batches);

/// Where B lies to B_crit: perfect scaling, where a training takes at most a quarter more samples than the
/// least (B <= B_crit / 4); the plateau, where it takes at most a quarter more steps than the fewest
/// (B >= 4 B_crit); diminishing returns between.
inline constexpr double kRegimeFactor = 4;
std::string regime(double batch, double critical);

/// Writes lines "batch" and "fit" into metrics.jsonl. Local.
void record_results(StudyRun& study, const std::vector<BatchTrainings>& batches,
                    const std::optional<BatchFits>& fits);

/// The sections of the page, from charts to the table of all trainings.
void show_charts(StudyRun& study, const BatchStudyPlan& plan, const std::vector<BatchTrainings>& batches,
                 const std::optional<BatchFits>& fits);
void show_tables(StudyRun& study, const BatchStudyPlan& plan, const std::vector<BatchTrainings>& batches,
                 const std::optional<BatchFits>& fits);

}  // namespace lockstep
