#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv_columns.hpp"
#include "lockstep/data/csv.hpp"

namespace lockstep {

/// Finds in `columns`, whose targets have their places, what a column says of rows and no network sees: their
/// group. A later file need not have it, and where it does, the column is left out. `file` is for messages.
/// Errors: an unknown column, a target, no column left for features.
void place_row_facts(const std::string& file, const CsvOptions& options, CsvColumns& columns);

/// What these columns say, row by row.
class RowFacts {
 public:
  /// Takes the group of the next row. Groups are numbered as they come.
  void add_group(std::string_view text);

  /// Fills groups and description. Warns where every row is a group of its own.
  void finish(const CsvColumns& columns, DatasetContent& content);

 private:
  std::map<std::string, std::int32_t, std::less<>> numbers_;  // of the groups
  std::vector<std::int32_t> groups_;
};

}  // namespace lockstep
