#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/data/dataset.hpp"
#include "lockstep/train/evaluation.hpp"

namespace lockstep {

/// What was evaluated, and how it does.
struct Evaluated {
  std::string weights;  ///< their file
  DatasetDescription data;
  std::string part;  ///< of the data: "test", …
  Evaluation evaluation;
};

/// For people: a line a measure, and a table of the classes or of several targets. Ends without a line's end.
std::string evaluation_text(const Evaluated& evaluated);

/// For programs: "event", "weights", "data", "part", what add_results appends, and "classes" ("class",
/// "samples", "precision", "recall", "f1") or "targets" ("target", "rmse", "mae", "r2").
nlohmann::ordered_json evaluation_json(const Evaluated& evaluated);

}  // namespace lockstep
