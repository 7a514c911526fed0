#pragma once

#include <cstddef>
#include <vector>

#include "report/run_record.hpp"

namespace lockstep {

/// The sections of a report on `runs`, in the form of page.hpp, as arrays. Each leaves out what the runs do
/// not have.

/// "running", "finished", "interrupted", "failed".
std::string status_text(RunStatus status);

/// What one run came to: the held-out result, its best epoch, how long it took, how it ended.
nlohmann::ordered_json result_section(const RunRecord& run);

/// What the runs were and came to: facts of one run; of several, a table with a row a run, and what differs
/// between their configurations.
nlohmann::ordered_json summary_sections(const std::vector<RunRecord>& runs);

/// Curves over the steps, and the time of the parts of a step.
nlohmann::ordered_json chart_sections(const std::vector<RunRecord>& runs);

/// Confusion matrix, what it says of each class, and worst samples, or predictions against targets; augmented
/// training samples and the first convolution's filters; of the first kMostWithPredictions runs. Errors: a
/// damaged file of these.
inline constexpr std::size_t kMostWithPredictions = 50;
nlohmann::ordered_json prediction_sections(const std::vector<RunRecord>& runs);

/// Every evaluation, and the configuration of one run.
nlohmann::ordered_json table_sections(const std::vector<RunRecord>& runs);

}  // namespace lockstep
