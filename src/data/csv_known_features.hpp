#pragma once

#include <string>
#include <vector>

#include "data/csv_columns.hpp"
#include "lockstep/data/csv.hpp"

namespace lockstep {

/// The names of the columns that a later file needs for its features; none where the training file had none.
std::vector<std::string> needed_columns(const DatasetDescription& training);

/// Gives each of `columns` that is for features the place of the training file's column of its name. Where
/// features alone are wanted, all others are left out, with a warning. Errors: a column that the training
/// file does not have, or lacks; none that it has.
void place_features_by_name(const std::string& file, const CsvOptions& options, CsvColumns& columns);

}  // namespace lockstep
