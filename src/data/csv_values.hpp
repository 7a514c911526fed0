#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

  /// `takes_texts`: numbers are texts too, without zeros at the end of decimals, so that 1.0 is 1.
  explicit ColumnValues(bool takes_texts) : takes_texts_(takes_texts) {}

  /// `field` is how the number is written.
  void add_number(double number, std::string_view field, Index line);
  void add_gap(Index line);
  /// `row` is called for the first one.
  void add_text(std::string_view text, Index line, const std::function<std::string()>& row);
  /// Takes the numbers so far as texts, too; of these the line is not known. Not where first_odd_number() is.
  void take_numbers_as_texts();

  Index rows() const { return static_cast<Index>(numbers_.size()); }
  Index gaps() const { return gaps_; }
  Index texts() const { return static_cast<Index>(texts_.size()); }  ///< how many rows have one
  Index numbers() const { return rows() - gaps_ - texts(); }
  const Place& first_text() const { return first_text_; }
  Index first_gap() const { return first_gap_; }  ///< its line
  /// The first number that does not tell how it was written, as 007, 1e3 or one of many digits.
  const Place& first_odd_number() const { return first_odd_number_; }
  /// The different texts, in the order they came.
  const std::vector<Text>& different_texts() const { return different_; }

  /// For each row its number, or NaN for gaps and texts.
  const std::vector<double>& as_numbers() const { return numbers_; }
  /// For each row the place of its text in different_texts(), or -1.
  std::vector<std::int32_t> as_texts() const;
  /// Whether all are whole numbers, and none occurs twice.
  bool counts_rows() const;

 private:
  struct TextAt {
    Index row;
    std::int32_t text;
  };
  void set_text(Index row, std::string_view text, Index line);

  bool takes_texts_;
  std::vector<double> numbers_;
  std::vector<TextAt> texts_;
  std::map<std::string, std::int32_t, std::less<>> codes_;
  std::vector<Text> different_;
  Index gaps_ = 0;
  Place first_text_;
  Index first_gap_ = 0;
  Place first_odd_number_;
};

}  // namespace lockstep
