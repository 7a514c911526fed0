#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv_cells.hpp"
#include "data/csv_columns.hpp"
#include "data/csv_kinds.hpp"
#include "data/csv_values.hpp"
#include "lockstep/data/csv.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// What to try where a field of a first line that was taken for a sample is at fault.
inline constexpr const char* kNamesAdvice = "; or set `header` = yes if this line names the columns";

/// The columns of a table that are for features: takes their fields row by row, and makes features of them.
class FeatureColumns {
 public:
  /// `names`: of the columns of the file that are for features, in the order of their places; or none.
  FeatureColumns(std::string file, const CsvOptions& options, const CsvColumns& columns);

  /// Takes `field` of the next row, of the column at `at`. Why it cannot stand in any table, or nothing.
  /// `row` gives the whole line.
  std::optional<std::string> add(Index at, std::string_view field, char separator, Index line,
                                 const std::function<std::string()>& row);

  /// After the last field of a row.
  void end_row() { cells_.end_row(); }

  /// Whether `field`, which is `number` if that is one, stands for a missing value.
  bool is_missing(std::string_view field, const std::optional<double>& number) const;

  /// Whether the column at `at` may be one of numbers.
  bool may_be_numbers(Index at) const;

  /// Whether the first line, taken for a sample, rather names the columns: in a column of texts that occur
  /// more often, its text occurs once.
  bool first_texts_are_names() const;

  /// Whether the first line, taken for the names of the columns, is rather one of their rows: names stand
  /// among the texts of at least half of the columns of texts.
  bool have_names_as_values() const;

  /// Fills features and description with what the columns are, or have to be. Errors: problems of columns,
  /// those of several together; nothing left for features; those of ValueStore.
  void finish(DatasetContent& content);

 private:
  /// How a message calls one of them.
  struct Title {
    Index column = 0;  ///< of the file, from 0; -1: the file does not have it
    std::string name = {};
    CsvColumns::Wish wish = CsvColumns::Wish::kNone;
  };

  void find_kinds();
  Index count_features() const;
  void compare_with_training();
  void note(std::size_t at, const ColumnProblem& problem);
  std::string title(std::size_t at) const;
  void fail_if_there_are_problems() const;
  /// Calls `take(first, features)` for the values of each feature, some rows together from row `first` on.
  void for_each_block(const std::function<void(Index, const std::vector<std::vector<double>>&)>& take) const;
  void choose_units(std::vector<ColumnUnit>& units) const;
  void store(DatasetContent& content) const;

  std::string file_;
  const CsvOptions& options_;
  bool has_names_;  // the file has names for its columns
  Index first_line_ = 0;
  std::vector<Title> titles_;
  std::vector<TableColumn> columns_;  // as those of the training file are
  TableCells cells_;
  std::vector<ColumnValues> values_;
  std::vector<std::string> missing_words_;
  std::vector<double> missing_numbers_;
  std::vector<std::string> problems_;
};

}  // namespace lockstep
