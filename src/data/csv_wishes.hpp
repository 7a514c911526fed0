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

/// The column that `name` of `list`, the value of `key`, names. Errors: there is none.
Index named_column(const std::string& file, const std::string& key, const std::string& list,
                   std::string_view name, const CsvColumns& columns);

/// Puts into `columns`, where all that are for no features have their places, what `columns`, `ignore` and
/// `categories` of the options say. `file` is for messages. Errors: an unknown column, a target, group or
/// weight, lists that contradict each other.
void take_wishes(const std::string& file, const CsvOptions& options, CsvColumns& columns);

}  // namespace lockstep
