#include "train/run/early_stopping.hpp"

#include <cmath>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

bool EarlyStopping::add(std::uint64_t step, double epoch, const Evaluation& evaluation) {
  const bool is_loss = options_.watch == Watch::kLoss;
  const double value = is_loss ? evaluation.loss : evaluation.accuracy.value();
  const auto is_better = [&](double other) { return is_loss ? value < other : value > other; };
  const bool is_best = std::isfinite(value) && (!standing_.best || is_better(standing_.best->value));
  if (is_best) {
    standing_ = {.best = BestEvaluation{step, epoch, value}, .since = 0};
  } else {
    ++standing_.since;
  }
  return is_best;
}

std::string EarlyStopping::watched() const { return options_.watch == Watch::kLoss ? "loss" : "accuracy"; }

void refuse_without_validation(const std::string& setting, const Problem& problem) {
  if (problem.split.validation_size() > 0) return;
  fail_input(
      "{}: needs samples to choose by, which are not those of a test part; set data.validation, such as "
      "0.1, or remove it",
      setting);
}

void check_stopping(const Config::Stopping& options, const Problem& problem) {
  if (options.patience > 0) {
    refuse_without_validation(fmt::format("train.patience = {}", options.patience), problem);
  }
  if (options.watch != Watch::kAccuracy) return;
  refuse_without_validation("train.watch = accuracy", problem);
  if (problem.training.description().task == Task::kRegression) {
    fail_input("train.watch = accuracy: a regression has none; set train.watch = loss");
  }
}

void check_patience(const Config::Stopping& before, const Config::Stopping& now) {
  const bool is_less = now.patience > 0 && (before.patience == 0 || now.patience < before.patience);
  if (!is_less) return;
  fail_input(
      "train.patience = {}: the run was started with {} and might have stopped earlier; give {}0 (never), or "
      "start anew",
      now.patience, before.patience,
      before.patience == 0 ? "" : fmt::format("at least {}, or ", before.patience));
}

}  // namespace lockstep
