#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/csv_columns.hpp"
#include "lockstep/core/index.hpp"
#include "lockstep/data/csv.hpp"

namespace lockstep {

/// The column that `text` gives as a number, from 0 or from the end, if it does.
std::optional<Index> column_by_number(std::string_view text, Index columns);

/// Puts into `columns`, whose targets have their places, what `columns`, `ignore` and `categories` of the
/// options say. `file` is for messages. Errors: an unknown column, a target, lists that contradict each
/// other.
void take_wishes(const std::string& file, const CsvOptions& options, CsvColumns& columns);

}  // namespace lockstep
