#include "study/batch_size/target.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

double Target::measured(const Evaluation& evaluation) const {
  return is_accuracy ? evaluation.accuracy.value() : evaluation.loss;
}

std::string Target::text() const { return fmt::format("{}={}", quantity(), value); }

void Target::check(Task task) const {
  if (!is_accuracy || task != Task::kRegression) return;
  fail_input("--target {}: a regression has no accuracy; give a loss, as loss=0.1", text());
}

Target parse_target(const std::string& text) {
  const auto parts = split(text, '=');
  const bool is_accuracy = parts.front() == "accuracy";
  const auto value = parts.size() == 2 ? parse_number(parts.back()) : std::nullopt;
  if (!value || (!is_accuracy && parts.front() != "loss")) {
    fail_input("--target {}: expected loss=NUMBER or accuracy=NUMBER, as accuracy=0.85", text);
  }
  if (!(*value > 0 && std::isfinite(*value) && (!is_accuracy || *value <= 1))) {
    fail_input("--target {}: cannot be reached; expected {}", text,
               is_accuracy ? "an accuracy above 0 and at most 1" : "a loss above 0");
  }
  return {is_accuracy, *value};
}

}  // namespace lockstep
