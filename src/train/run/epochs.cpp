#include "train/run/epochs.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lockstep/core/log.hpp"
#include "train/run/metrics.hpp"
#include "train/run/progress.hpp"

namespace lockstep {

void Epochs::add(const StepReport& report) {
  epoch_ = report.epoch;
  if (report.skipped) return;
  loss_ += report.loss * report.weight;
  weight_ += report.weight;
}

bool Epochs::evaluate(const StepReport& report, double samples_per_second, RunDirectory* directory) {
  const int epoch_width = log::is_terminal() ? 4 : 0;
  std::string line = fmt::format("epoch {:>{}.4g}: ", report.epoch, epoch_width);
  line += weight_ == 0 ? "no step taken" : "training loss " + loss_column(loss_ / weight_);
  loss_ = 0;
  weight_ = 0;
  const std::uint64_t best_before = best_ ? best_->step : 0;
  line += evaluate_parts(report, false, directory);
  if (trainer_.has_average()) {
    trainer_.with_average([&] { line += evaluate_parts(report, true, directory); });
  }
  const bool is_best = best_ && best_->step != best_before;
  log::info(fmt::format("{}, {:.0f} samples/s{}", line, samples_per_second, is_best ? ", best so far" : ""));
  return is_best;
}

/// Collective.
std::string Epochs::evaluate_parts(const StepReport& report, bool of_average, RunDirectory* directory) {
  std::string text;
  for (const auto& [part, selection] : held_out_parts(problem_)) {
    const Evaluation evaluation = trainer_.evaluate(selection);
    const bool counts = text.empty() && !of_average && std::isfinite(evaluation.loss);
    if (counts && (!best_ || evaluation.loss < best_->loss)) best_ = {report.step, evaluation.loss};
    if (directory != nullptr) directory->metric(evaluation_event(part, report, evaluation, of_average));
    const std::string name = part + (of_average ? " (average)" : "");
    text += fmt::format(", {} loss {}", name, loss_column(evaluation.loss));
    if (evaluation.accuracy) text += fmt::format(", {} accuracy {:.2f}%", name, 100 * *evaluation.accuracy);
    warn_of_nonfinite(name, report.step, evaluation);
  }
  return text;
}

void Epochs::warn_of_nonfinite(const std::string& part, std::uint64_t step, const Evaluation& evaluation) {
  const std::string reason = nonfinite_text(evaluation);
  if (reason.empty() || !warned_of_.insert(part).second) return;
  log::warn(
      fmt::format("lockstep: step {}: the {} loss is not finite: {}; look at the data there. A sample whose "
                  "outputs are not finite counts as a wrong answer",
                  step, part, reason));
}

void Epochs::report_best() const {
  const auto parts = held_out_parts(problem_);
  if (parts.empty()) return;
  const std::string& part = parts.front().first;
  if (best_) {
    log::info(fmt::format("best     step {}: {} loss {}", best_->step, part, loss_text(best_->loss)));
  } else {
    log::warn(
        fmt::format("lockstep: checkpoint.best: the {} loss was never finite, so that no checkpoint is the "
                    "best",
                    part));
  }
}

void Epochs::save(Checkpoint& checkpoint) const {
  checkpoint.epoch = epoch_;
  checkpoint.loss_sum = loss_;
  checkpoint.loss_weight = weight_;
  checkpoint.best = best_;
}

void Epochs::restore(const Checkpoint& checkpoint) {
  epoch_ = checkpoint.epoch;
  loss_ = checkpoint.loss_sum;
  weight_ = checkpoint.loss_weight;
  best_ = checkpoint.best;
}

}  // namespace lockstep
