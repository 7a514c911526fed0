#pragma once

#include <cstddef>
#include <vector>

#include "report/run_record.hpp"

namespace lockstep {

/// The sections of a report on `runs`, in the form of page.hpp, as arrays. Each leaves out what the runs do
/// not have.

/// What the runs were and came to: facts of one run, a table with a row a run for several.
nlohmann::ordered_json summary_sections(const std::vector<RunRecord>& runs);

/// Curves over the steps, and the time of the parts of a step.
nlohmann::ordered_json chart_sections(const std::vector<RunRecord>& runs);

/// Confusion matrix, what it says of each class, and worst samples, or predictions against targets; augmented
/// training samples and the first convolution's filters; of the first kMostWithPredictions runs. Errors: a
/// damaged file of these.
inline constexpr std::size_t kMostWithPredictions = 50;
nlohmann::ordered_json prediction_sections(const std::vector<RunRecord>& runs);

/// Every evaluation; the configuration of one run, what differs between the configurations of several.
nlohmann::ordered_json table_sections(const std::vector<RunRecord>& runs);

}  // namespace lockstep
