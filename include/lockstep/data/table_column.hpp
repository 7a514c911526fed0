#pragma once

#include <string>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// What a column of a table is to a network, as the training data say: none, one or several features.
struct TableColumn {
  /// What a field of it says.
  enum class Kind {
    kNumber,    ///< the number
    kCategory,  ///< for each category 1 where the field is that, else 0
    kDate,      ///< days since 1970-01-01 (with a time of day: also parts), the month, the day of the week
    kLeftOut    ///< nothing
  };

  /// The order in which a date is written.
  enum class DateForm { kYearFirst, kDayFirst, kMonthFirst };

  std::string name = {};  ///< empty where the file does not name its columns
  Kind kind = Kind::kNumber;
  bool has_gaps = false;  ///< one more feature, the last: 1 where the field is missing, else 0
  std::vector<std::string> categories = {};  ///< in the order of their features
  bool has_others = false;                   ///< there are categories without a feature of their own
  DateForm date_form = DateForm::kYearFirst;

  bool operator==(const TableColumn&) const = default;

  /// A column of numbers and nothing else, as which a table without a list of its columns has them.
  bool is_plain() const;
  Index features() const;
};

/// Features of a sample that stand side by side, counted from 0.
struct FeatureRange {
  Index first = 0;
  Index count = 0;

  bool operator==(const FeatureRange&) const = default;
};

/// The features of each column of categories among `columns`, in rising order; where such a column has gaps,
/// the feature that tells them is one of its own.
std::vector<FeatureRange> features_of_categories(const std::vector<TableColumn>& columns);

/// "7-19/20-25": the first and the last feature of each range.
std::string to_text(const std::vector<FeatureRange>& ranges);

/// The names of the features of `columns`, in their order: "age", "age missing", "sex=female".
std::vector<std::string> names_of_features(const std::vector<TableColumn>& columns);

/// For each feature of `columns`, whether it is an indicator: 0 or 1.
std::vector<bool> are_indicators(const std::vector<TableColumn>& columns);

/// What they are, in words: "3 numbers, 2 of categories (5 features), 1 date; 4 left out".
std::string summary(const std::vector<TableColumn>& columns);

/// Text form: JSON. Errors: text that is none.
std::string columns_to_text(const std::vector<TableColumn>& columns);
std::vector<TableColumn> columns_from_text(const std::string& text);

}  // namespace lockstep
