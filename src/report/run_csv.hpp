#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lockstep {

/// The metrics of the runs in `run_dirs` as CSV, with "\n" at the ends of lines: a row for every step after
/// which a run was evaluated or an epoch ended. Columns: run, epoch, step, seconds in steps until then,
/// learning_rate, training_loss (the mean over the steps since the row before), and every measure of every
/// part, as validation_loss; what is not there, or not finite, is empty. Local. Errors: those of read_runs.
std::string runs_csv(const std::vector<std::filesystem::path>& run_dirs);

}  // namespace lockstep
