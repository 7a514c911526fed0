#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/csv_columns.hpp"
#include "data/csv_values.hpp"
#include "lockstep/data/table_column.hpp"

namespace lockstep {

/// Something in a column that cannot be used.
struct ColumnProblem {
  Index line = 0;  ///< 0 where it is not known
  std::string text;
};

/// What a column of a training file is, as its values say.
struct ColumnKind {
  TableColumn column;
  std::optional<ColumnProblem> problem = {};
  std::string left_out_since = {};  ///< why the column is left out, though nobody asked for that
  std::string remark = {};          ///< what was chosen of several that fit
};

/// The kind of a column: a number, where all values are; a date; or categories, of which the
/// `max_categories` most frequent ones have a feature of their own. What tells no more than which row it is,
/// or nothing, is left out: names and numbers of rows, columns without a value or with one text alone. A text
/// that occurs seldom among numbers is a problem. `values` may take its numbers as texts.
ColumnKind find_kind(ColumnValues& values, const std::string& name, CsvColumns::Wish wish,
                     Index max_categories);

}  // namespace lockstep
