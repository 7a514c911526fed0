#pragma once

#include <cstdint>
#include <string>

#include "lockstep/train/config.hpp"
#include "lockstep/train/evaluation.hpp"
#include "lockstep/train/problem.hpp"
#include "train/checkpoint/checkpoint.hpp"

namespace lockstep {

/// Which evaluation of the validation samples is the best, and when to stop: once `patience` evaluations in a
/// row were no better (Goodfellow, Bengio, Courville: Deep learning, 2016, algorithm 7.1). Of equal ones the
/// first is the best; one whose value is not finite never is. Pure: the same on every rank, as evaluations
/// are.
class EarlyStopping {
 public:
  explicit EarlyStopping(const Config::Stopping& options) : options_(options) {}

  /// Whether `evaluation`, after `step` and `epoch` epochs, is the best so far.
  bool add(std::uint64_t step, double epoch, const Evaluation& evaluation);

  bool has_to_stop() const { return is_on() && standing_.since >= options_.patience; }
  bool is_on() const { return options_.patience > 0; }

  /// "loss" or "accuracy".
  std::string watched() const;

  const Standing& standing() const { return standing_; }
  void restore(const Standing& standing) { standing_ = standing; }

 private:
  Config::Stopping options_;
  Standing standing_;
};

/// Errors: `setting`, "KEY = VALUE", chooses among evaluations, but `problem` holds out no samples for
/// validation. Those of the test part are not to choose by: they would be a test no more.
void refuse_without_validation(const std::string& setting, const Problem& problem);

/// Errors: `options` that need validation samples, or an accuracy, where `problem` has none.
void check_stopping(const Config::Stopping& options, const Problem& problem);

/// Errors: a patience with which a run that began with `before` might have stopped earlier than it has come.
void check_patience(const Config::Stopping& before, const Config::Stopping& now);

}  // namespace lockstep
