#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/data/csv.hpp"

namespace lockstep {

/// What the columns of a CSV file are, as its first line and the options say.
struct CsvColumns {
  bool has_header = false;
  std::vector<std::string> names;               ///< of the columns, if they have any
  std::vector<std::optional<Index>> target_of;  ///< each column's place among the targets; none: a feature
  Index targets = 0;

  Index count() const { return std::ssize(target_of); }
  /// The names of the targets in their order, if they have any.
  std::vector<std::string> target_names() const;
};

/// Errors: an unknown or repeated label column, several for a classification, no column left for features.
/// `file` is for messages.
CsvColumns find_columns(const std::string& file, const CsvOptions& options,
                        std::span<const std::string_view> first_line);

}  // namespace lockstep
