#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/data/csv.hpp"

namespace lockstep {

/// What the columns of a CSV file are, as its first line and the options say.
struct CsvColumns {
  enum class Role { kFeature, kTarget, kGroup, kWeight, kLeftOut };
  /// What a person wants of a column for features.
  enum class Wish { kNone, kKeep, kCategory, kIgnore };
  /// Where a column's fields go.
  struct Place {
    Role role = Role::kFeature;
    Index at = 0;  ///< among the columns for features, or the targets
    Wish wish = Wish::kNone;
  };

  bool has_header = false;
  std::vector<std::string> names;  ///< of the columns, if they have any
  std::vector<Place> places;       ///< of the columns
  Index row_names = 0;             ///< first columns that name the rows and are left out
  Index targets = 0;

  Index count() const { return std::ssize(places); }
  Index features() const;  ///< how many columns are for features, also those whose wish it is not
  /// Which were asked for, and are for no features.
  std::vector<bool> are_beside_features() const;
  /// The names of the targets in their order, if they have any.
  std::vector<std::string> target_names() const;
};

/// Warns once of columns that are left out: the first ones, as they name the rows; those that features alone
/// do not need.
/// Errors: a name that two columns have, an unknown or repeated label column, several for a classification,
/// no column left for features, features that are not those of options.training; of features alone, another
/// number of them; an unknown column in `group`, `weight`, `columns`, `ignore` or `categories`. `file` is for
/// messages.
CsvColumns find_columns(const std::string& file, const CsvOptions& options,
                        std::span<const std::string_view> first_line);

}  // namespace lockstep
