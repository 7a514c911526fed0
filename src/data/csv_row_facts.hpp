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

/// Finds in `columns`, whose targets have their places, those that say of rows what no network sees: their
/// weight and their group. Those that a later file need not have are left out where it has them, with a
/// warning of weights that nobody asks for. `file` is for messages. Errors: an unknown column, a target, one
/// column for both, no column left for features.
void place_row_facts(const std::string& file, const CsvOptions& options, CsvColumns& columns);

/// What these columns say, row by row.
class RowFacts {
 public:
  /// Takes the group of the next row. Groups are numbered as they come.
  void add_group(std::string_view text);

  /// Takes the weight of the next row.
  void add_weight(double weight);

  /// Fills groups, weights and description. Warns where every row is a group of its own.
  void finish(const CsvColumns& columns, DatasetContent& content);

 private:
  std::map<std::string, std::int32_t, std::less<>> numbers_;  // of the groups
  std::vector<std::int32_t> groups_;
  std::vector<float> weights_;
};

}  // namespace lockstep
