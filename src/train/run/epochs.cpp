#include "train/run/epochs.hpp"

#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "lockstep/core/log.hpp"
#include "train/run/best_weights.hpp"
#include "train/run/metrics.hpp"
#include "train/run/progress.hpp"

namespace lockstep {

namespace {

constexpr auto kValidation = "validation";  // of held_out_parts

}  // namespace

Epochs::Epochs(const Problem& problem, Trainer& trainer, const Config::Stopping& stopping,
               std::function<void(const BestEvaluation& best)> keep_best)
    : problem_(problem), trainer_(trainer), stopping_(stopping), keep_best_(std::move(keep_best)) {}

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
  bool is_best = evaluate_parts(report, false, directory, line);
  if (trainer_.has_average()) {
    trainer_.with_average([&] { is_best = evaluate_parts(report, true, directory, line); });
  }
  log::info(fmt::format("{}, {:.0f} samples/s{}", line, samples_per_second, is_best ? ", best so far" : ""));
  return is_best;
}

/// Whether these are the weights to keep: never others than the average, where there is one. Collective.
bool Epochs::evaluate_parts(const StepReport& report, bool of_average, RunDirectory* directory,
                            std::string& line) {
  bool is_best = false;
  for (const auto& [part, selection] : held_out_parts(problem_)) {
    const Evaluation evaluation = trainer_.evaluate(selection);
    if (part == kValidation && of_average == trainer_.has_average()) {
      is_best = stopping_.add(report.step, report.epoch, evaluation);
    }
    if (directory != nullptr) directory->metric(evaluation_event(part, report, evaluation, of_average));
    const std::string name = part + (of_average ? " (average)" : "");
    line += fmt::format(", {} loss {}", name, loss_column(evaluation.loss));
    if (evaluation.accuracy) line += fmt::format(", {} accuracy {:.2f}%", name, 100 * *evaluation.accuracy);
    if (const auto r2 = evaluation.measure("r2")) line += fmt::format(", {} R² {:.4f}", name, *r2);
    warn_of_nonfinite(name, report.step, evaluation);
  }
  if (is_best) keep_best_(*stopping_.standing().best);
  return is_best;
}

std::optional<double> Epochs::best_loss() const {
  const std::optional<BestEvaluation>& best = stopping_.standing().best;
  return best && stopping_.watched() == "loss" ? std::optional(best->value) : std::nullopt;
}

void Epochs::warn_of_nonfinite(const std::string& part, std::uint64_t step, const Evaluation& evaluation) {
  const std::string reason = nonfinite_text(evaluation);
  if (reason.empty() || !warned_of_.insert(part).second) return;
  log::warn(
      fmt::format("lockstep: step {}: the {} loss is not finite: {}; look at the data there. A sample whose "
                  "outputs are not finite counts as a wrong answer",
                  step, part, reason));
}

bool Epochs::has_stopped_early() const {
  return has_to_stop() && trainer_.steps_done() < trainer_.plan().total_steps;
}

nlohmann::ordered_json Epochs::facts_of(const BestEvaluation& best) const {
  const std::string value = fmt::format("{}_{}", kValidation, stopping_.watched());
  return {{"step", best.step}, {"epoch", best.epoch}, {value, best.value}};
}

void Epochs::add_best(nlohmann::ordered_json& end) const {
  if (const auto& best = stopping_.standing().best) end["best"] = facts_of(*best);
  if (stopping_.is_on()) end["stopped_early"] = has_stopped_early();
}

void Epochs::report_best(const std::filesystem::path& folder) const {
  if (problem_.split.validation_size() == 0) return;
  const std::string watched = fmt::format("{} {}", kValidation, stopping_.watched());
  const Standing& standing = stopping_.standing();
  if (has_stopped_early()) {
    log::info(fmt::format("stopped  after step {} of {}: no better {} in {}", trainer_.steps_done(),
                          trainer_.plan().total_steps, watched,
                          count_of(static_cast<std::int64_t>(standing.since), "evaluation")));
  }
  if (!standing.best) {
    return log::warn(
        fmt::format("lockstep: the {} was never finite, so that no weights are the best", watched));
  }
  const BestEvaluation& best = *standing.best;
  const std::string value =
      stopping_.watched() == "loss" ? loss_text(best.value) : fmt::format("{:.2f}%", 100 * best.value);
  const std::string file = (folder / kBestWeights).string();
  const bool is_kept = step_of_best_weights(folder) == best.step;
  log::info(fmt::format("best     step {}, epoch {:.4g}: {} {}{}", best.step, best.epoch, watched, value,
                        is_kept ? ", in " + file : ""));
  if (is_kept) return;
  log::warn(
      fmt::format("lockstep: {}: does not hold these weights, which could not be kept; weights.safetensors "
                  "has those of the end",
                  file));
}

void Epochs::save(Checkpoint& checkpoint) const {
  checkpoint.epoch = epoch_;
  checkpoint.loss_sum = loss_;
  checkpoint.loss_weight = weight_;
  checkpoint.standing = stopping_.standing();
}

void Epochs::restore(const Checkpoint& checkpoint) {
  epoch_ = checkpoint.epoch;
  loss_ = checkpoint.loss_sum;
  weight_ = checkpoint.loss_weight;
  stopping_.restore(checkpoint.standing);
}

}  // namespace lockstep
