#pragma once

#include <filesystem>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lockstep {

/// The report on the runs in `run_dirs`, as a document of page.hpp. One run: its facts, curves, time of a
/// step, confusion matrix and worst samples (or predictions against targets), augmented training samples,
/// evaluations and configuration.
/// Several: their curves in the same charts, a table with a row a run, what differs between their
/// configurations, matrices and samples of each. Curves of more than 1500 steps are thinned: the first step,
/// means over equal ranges, the last. A run that did not end, or has no predictions.json, shows what there
/// is. Local. Errors: no directory, one given twice or without a run, an unreadable or damaged file (with its
/// line).
nlohmann::ordered_json describe_runs(const std::vector<std::filesystem::path>& run_dirs);

/// Writes that report as one self-contained HTML file, whole or not at all. Local. Errors: those of
/// describe_runs, a file that can't be written.
void write_run_report(const std::vector<std::filesystem::path>& run_dirs, const std::filesystem::path& file);

}  // namespace lockstep
