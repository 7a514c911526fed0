#pragma once

#include <string>

namespace lockstep {

/// How pages speak of a result of an evaluation.
struct MetricText {
  std::string name;   ///< "balanced accuracy", "R²"
  std::string title;  ///< "Balanced accuracy"
  std::string description;
  bool lower_is_better = false;
};

/// Of the field `name` of an `evaluation` line; one that is not known by its words, and better the higher.
MetricText metric_text(const std::string& name);

}  // namespace lockstep
