#include "study/batch_size/batch_fits.hpp"

#include <cmath>

namespace lockstep {

namespace {

Json to_json(const Range& range) {
  return {{"median", range.median}, {"low", range.low}, {"high", range.high}};
}

Json to_json(const Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

}  // namespace

std::optional<BatchFits> fit_batches(const std::vector<BatchTrainings>& batches) {
  std::vector<double> sizes;
  std::vector<double> steps;
  std::vector<double> samples;
  for (const BatchTrainings& batch : batches) {
    if (!batch.reached()) continue;
    sizes.push_back(static_cast<double>(batch.batch_size));
    steps.push_back(batch.best().to_target(&TargetRun::steps).median);
    samples.push_back(batch.best().to_target(&TargetRun::samples).median);
  }
  if (sizes.size() < 2) return std::nullopt;
  return BatchFits{BatchFit(Need::kSteps, sizes, steps), BatchFit(Need::kSamples, sizes, samples),
                   fit_trade_off(steps, samples)};
}

bool is_bounded_below(const Estimate& estimate) { return estimate.low >= 1; }

std::optional<double> BatchFits::critical() const {
  const Estimate estimate = steps.critical_batch();
  if (!is_bounded_below(estimate) || std::isinf(estimate.high)) return std::nullopt;
  return estimate.value;
}

std::string regime(double batch, double critical) {
  if (batch * kRegimeFactor <= critical) return "perfect scaling";
  return batch >= kRegimeFactor * critical ? "plateau" : "diminishing returns";
}

void record_results(StudyRun& study, const std::vector<BatchTrainings>& batches,
                    const std::optional<BatchFits>& fits) {
  for (const BatchTrainings& batch : batches) {
    const RateTrainings& best = batch.best();
    study.record({{"event", "batch"},
                  {"batch_size", batch.batch_size},
                  {"learning_rate", best.runs.front().learning_rate},
                  {"rate_inside_grid", batch.is_inside},
                  {"reached", batch.reached()},
                  {"steps", to_json(best.to_target(&TargetRun::steps))},
                  {"samples", to_json(best.to_target(&TargetRun::samples))},
                  {"seconds", to_json(best.to_target(&TargetRun::seconds))},
                  {"noise_scale", predicted_critical_batch(best.runs)}});
  }
  if (!fits) return;
  for (const auto& [name, fit] : {std::pair("steps", &fits->steps), std::pair("samples", &fits->samples)}) {
    study.record({{"event", "fit"},
                  {"of", name},
                  {"least", to_json(fit->least())},
                  {"critical_batch", to_json(fit->critical_batch())},
                  {"deviation", fit->deviation()}});
  }
  study.record({{"event", "fit"},
                {"of", "trade-off"},
                {"least_steps", to_json(fits->trade_off.least_steps)},
                {"least_samples", to_json(fits->trade_off.least_samples)},
                {"critical_batch", to_json(fits->trade_off.critical_batch)}});
}

}  // namespace lockstep
