#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/train/evaluation.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What `model` makes of the samples of `selection`, for people to look at; predictions.json holds it:
/// - {"part", "samples", "task"}: the name given here, and what there is to see; where outputs or losses are
///   not finite, "nonfinite", of how many samples, and "nonfinite_samples", the first of them.
/// - classification: "classes" (names), "confusion" (rows: true class, columns: predicted class; up to 200
///   classes) and "worst", the samples of largest loss, largest first: {"sample", "label", "predicted",
///   "probability" (of the true class), "loss"}, with "width", "height", "channels" (1: grey, 3: red, green
///   and blue) and "pixels" (base64 of bytes, row by row, channels last) where samples are pictures of bytes.
///   A sample whose outputs are not finite is predicted to be of no class: it is in no column of "confusion",
///   and "predicted", "probability" and "loss" are null.
/// - regression: "targets" and "predictions" of the first samples, one target each, in the units of the data;
///   null where not finite.
/// Null where the task is another. Only rank 0 gets it; null elsewhere. Collective.
nlohmann::ordered_json examine_predictions(Network& model, const Loss& loss,
                                           const SampleNormalization& normalization,
                                           const Selection& selection, const std::string& part,
                                           Communicator& communicator);

}  // namespace lockstep::inline LOCKSTEP_REAL
