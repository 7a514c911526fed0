#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv_cells.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

/// The fields of one column of a table, as they come: numbers, gaps, and all other texts.
class ColumnValues {
 public:
  /// Where something stood first.
  struct Place {
    Index line = 0;
    std::string field = {};
    std::string row = {};  ///< the whole line, for what it tells of separators
  };

  /// A text, and how often it occurs.
  struct Text {
    std::string text;
    Index line;  ///< of the first
    Index count;
  };

  /// They stand in `cells`, which must outlive this, as those of its column `at`. `takes_texts`: numbers are
  /// texts too, without zeros at the end of decimals, so that 1.0 is 1.
  ColumnValues(TableCells& cells, std::size_t at, bool takes_texts)
      : cells_(&cells), at_(at), takes_texts_(takes_texts) {}

  /// `field` is how the number is written.
  void add_number(double number, std::string_view field, Index line);
  void add_gap(Index line);
  /// `row` is called for the first one.
  void add_text(std::string_view text, Index line, const std::function<std::string()>& row);
  /// Takes the numbers so far as texts, too; of these the line is not known. Not where first_odd_number() is.
  /// This, and what stands in rows, is asked for once the cells are finished.
  void take_numbers_as_texts();

  Index rows() const { return rows_; }
  Index gaps() const { return gaps_; }
  Index texts() const { return texts_; }  ///< how many rows have one
  Index numbers() const { return rows() - gaps_ - texts(); }
  const Place& first_text() const { return first_text_; }
  Index first_gap() const { return first_gap_; }  ///< its line
  /// The first number that does not tell how it was written, as 007, 1e3 or one of many digits.
  const Place& first_odd_number() const { return first_odd_number_; }
  /// The different texts, in the order they came.
  const std::vector<Text>& different_texts() const { return different_; }

  /// The numbers of rows `first` to `first` + `count`, NaN for gaps and texts.
  std::vector<double> numbers(Index first, Index count) const;
  /// The places of their texts in different_texts(), or -1.
  std::vector<std::int32_t> texts(Index first, Index count) const;
  /// Whether all are whole numbers, and none occurs twice.
  bool counts_rows() const;

 private:
  void add(Cell cell);
  /// The place of `text`, which stands in one row more.
  std::int32_t count_text(std::string_view text, Index line);
  template <typename Take>
  void for_each_cell(Index first, Index count, const Take& take) const;

  TableCells* cells_;
  std::size_t at_;
  bool takes_texts_;
  Index rows_ = 0;
  Index texts_ = 0;
  std::map<std::string, std::int32_t, std::less<>> codes_;
  std::map<double, std::int32_t> codes_of_numbers_;  // of those that are texts, too
  std::vector<Text> different_;
  Index gaps_ = 0;
  Place first_text_;
  Index first_gap_ = 0;
  Place first_odd_number_;
};

}  // namespace lockstep
