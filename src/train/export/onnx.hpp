#pragma once

#include "lockstep/train/problem.hpp"
#include "train/export/onnx_file.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// `saved` from the numbers in a file of data to what `predict` writes for them. The input, "input", has
/// samples as float: a table's features, pictures {height, width} or {channels, height, width} as their file
/// has them; as double where a table's numbers are not float's (DatasetDescription::units). The output is
/// "probabilities" of classes or labels, or "scores" where the loss has none, or "values" in the units of the
/// file. Local. Errors: a unit that has no form in ONNX.
OnnxModel to_onnx(const SavedModel& saved);

}  // namespace lockstep::inline LOCKSTEP_REAL
