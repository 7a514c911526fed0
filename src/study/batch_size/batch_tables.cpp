#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "study/batch_size/batch_fits.hpp"

namespace lockstep {

namespace {

/// Columns of numbers, but for those whose name begins with '*'.
Json table(const std::string& title, const std::string& description,
           const std::vector<std::string>& columns) {
  Json made = {{"type", "table"},
               {"title", title},
               {"description", description},
               {"columns", Json::array()},
               {"rows", Json::array()}};
  for (const std::string& column : columns) {
    const bool is_text = column.starts_with('*');
    made["columns"].push_back({{"name", is_text ? column.substr(1) : column}, {"number", !is_text}});
  }
  return made;
}

Json batches_table(const std::vector<BatchTrainings>& batches, const std::optional<BatchFits>& fits) {
  Json made =
      table("Batch sizes",
            "At the best learning rate: medians over the seeds, and the outermost. The noise scale is the "
            "mean over the steps, each weighed with its progress.",
            {"batch size", "learning rate", "trainings", "reached the target", "steps", "fewest", "most",
             "samples", "fewest samples", "most samples", "seconds", "noise scale", "*regime"});
  const std::optional<double> critical = fits ? fits->critical() : std::nullopt;
  for (const BatchTrainings& batch : batches) {
    const RateTrainings& best = batch.best();
    const Range steps = best.to_target(&TargetRun::steps);
    const Range samples = best.to_target(&TargetRun::samples);
    std::size_t reached = 0;
    for (const TargetRun& run : best.runs) reached += run.reached() ? 1 : 0;
    made["rows"].push_back(
        {batch.batch_size, best.runs.front().learning_rate, best.runs.size(), reached, steps.median,
         steps.low, steps.high, samples.median, samples.low, samples.high,
         best.to_target(&TargetRun::seconds).median, predicted_critical_batch(best.runs),
         critical ? Json(regime(static_cast<double>(batch.batch_size), *critical)) : Json()});
  }
  return made;
}

Json fits_table(const BatchFits& fits) {
  Json made =
      table("Fits",
            "Least squares in logarithms over the medians, with 95 % intervals by profile likelihood; empty "
            "where the data set no bound. As E = B S, all three are one model, and differ where the last "
            "batch of an epoch is smaller.",
            {"*fit", "*parameter", "value", "low", "high"});
  const auto add = [&](const std::string& fit, const std::string& parameter, const Estimate& estimate) {
    const bool has_low = is_bounded_below(estimate);
    const bool has_high = std::isfinite(estimate.high);
    made["rows"].push_back({fit, parameter, has_low && has_high ? Json(estimate.value) : Json(),
                            has_low ? Json(estimate.low) : Json(),
                            has_high ? Json(std::max(estimate.high, 1.0)) : Json()});
  };
  const std::string steps = "S = S_min (1 + B_crit / B)";
  add(steps, "S_min, steps", fits.steps.least());
  add(steps, "B_crit, samples", fits.steps.critical_batch());
  const std::string samples = "E = E_min (1 + B / B_crit)";
  add(samples, "E_min, samples", fits.samples.least());
  add(samples, "B_crit, samples", fits.samples.critical_batch());
  const std::string both = "(S / S_min - 1) (E / E_min - 1) = 1";
  add(both, "S_min, steps", fits.trade_off.least_steps);
  add(both, "E_min, samples", fits.trade_off.least_samples);
  add(both, "B_crit, samples", fits.trade_off.critical_batch);
  return made;
}

/// What repeats the training: the weights have its digest at every rank count.
std::string command(const StudyRun& study, const TargetRun& run, const std::string& rate) {
  std::string text = fmt::format("lockstep train --config {}/config.cfg", study.config().run.dir);
  for (const auto& [key, value] : run_settings(run.batch_size, rate, run.seed)) {
    text += fmt::format(" --{} {}", key, value);
  }
  return text + fmt::format(" --train.steps {}", run.steps_done);
}

Json runs_table(const StudyRun& study, const BatchStudyPlan& plan,
                const std::vector<BatchTrainings>& batches) {
  Json made =
      table("Trainings",
            "Every one, those of the search included. Steps, samples and seconds are interpolated to the "
            "target; of a training that did not reach it they are those at its end.",
            {"batch size", "learning rate", "seed", "*rate", "*end", "steps", "samples", "seconds",
             plan.target.quantity(), "noise scale", "*weights_digest", "*command"});
  for (const BatchTrainings& batch : batches) {
    for (const auto& [k, trainings] : batch.rates) {
      for (const TargetRun& run : trainings.runs) {
        made["rows"].push_back({run.batch_size, run.learning_rate, run.seed,
                                k == batch.chosen ? "best" : "search", end_name(run.end), run.steps,
                                run.samples, run.seconds, run.measured, predicted_critical_batch({run}),
                                run.weights_digest, command(study, run, trainings.rate)});
      }
    }
  }
  return made;
}

}  // namespace

void show_tables(StudyRun& study, const BatchStudyPlan& plan, const std::vector<BatchTrainings>& batches,
                 const std::optional<BatchFits>& fits) {
  study.show(batches_table(batches, fits));
  if (fits) study.show(fits_table(*fits));
  study.show(runs_table(study, plan, batches));
}

}  // namespace lockstep
