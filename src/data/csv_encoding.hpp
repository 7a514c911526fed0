#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data/csv_kinds.hpp"
#include "data/csv_values.hpp"
#include "lockstep/data/table_column.hpp"

namespace lockstep {

/// What `values` hold that the training data's column did not.
struct UnseenValues {
  std::optional<ColumnProblem> broken = {};  ///< what cannot stand in such a column
  std::optional<ColumnProblem> fresh = {};   ///< a category, or a gap, that the training data do not have
  Index fresh_rows = 0;
};
UnseenValues find_unseen(const TableColumn& column, const ColumnValues& values);

/// Whether `field` may stand in such a column.
bool may_hold(const TableColumn& column, std::string_view field);

/// Whether a column of this kind wants its numbers as texts.
bool takes_texts(const TableColumn& column);

/// Turns the values of a column into its features, some rows at a time.
class ColumnEncoder {
 public:
  ColumnEncoder(const TableColumn& column, const ColumnValues& values);

  /// Goes to rows `first` to `first` + `count`.
  void take_rows(Index first, Index count);
  /// Feature 0 … column.features()-1 of each of them. A gap is NaN in the features of numbers and dates.
  std::vector<double> feature(Index which) const;

 private:
  double indicator_of_gap(std::size_t row) const;

  const TableColumn& column_;
  const ColumnValues& values_;
  std::vector<double> numbers_;                // of the rows, or NaN
  std::vector<std::int32_t> texts_;            // of the rows, or -1
  std::vector<Index> categories_;              // of the different texts, or -1
  std::vector<std::vector<double>> of_dates_;  // of the different texts: the three features
};

}  // namespace lockstep
