#pragma once

#include <string>

#include "lockstep/train/evaluation.hpp"

namespace lockstep {

/// What a training is to reach on held-out samples: a loss of at most `value`, or an accuracy of at least it.
struct Target {
  bool is_accuracy = false;
  double value = 0;

  /// The measured loss or accuracy.
  double measured(const Evaluation& evaluation) const;
  /// How far `measured` is from the target: above 0 before it, 0 or below where it is reached.
  double shortfall(double measured) const { return is_accuracy ? value - measured : measured - value; }
  /// "accuracy", and "accuracy=0.85".
  std::string quantity() const { return is_accuracy ? "accuracy" : "loss"; }
  std::string text() const;
  /// Errors: an accuracy of a task that has none.
  void check(Task task) const;
};

/// From "loss=0.45" or "accuracy=0.85". Errors: another form, a loss that is not above 0, an accuracy that is
/// not above 0 or is above 1.
Target parse_target(const std::string& text);

}  // namespace lockstep
