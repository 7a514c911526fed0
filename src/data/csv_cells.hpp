#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/value_store.hpp"
#include "lockstep/core/index.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// What stands in one field of a table: a number, a gap, or one of the texts of its column. A double that
/// holds the place of a text is a NaN.
class Cell {
 public:
  static Cell number(double value) { return Cell(value); }
  static Cell gap();
  static Cell text(std::int32_t place);

  bool is_number() const { return value_ == value_; }
  /// The number, or NaN.
  double as_number() const;
  /// The place of the text, or -1.
  std::int32_t as_text() const;

 private:
  explicit Cell(double value) : value_(value) {}

  double value_;
};

/// The cells of a table, which come row by row and are then read column by column, or some rows at a time:
/// they stand in blocks of rows, and in a block column by column.
class TableCells {
 public:
  TableCells(std::size_t columns, const Scratch& scratch);

  /// That of the row that comes next. Errors: those of ValueStore.
  void add(std::size_t column, Cell cell) { block_[column * rows_together_ + row_in_block_] = cell; }
  void end_row();

  /// The end of adding. Errors: as above.
  void finish();

  std::size_t rows() const { return rows_; }
  /// Those of `column` from row `first` on that stand together, which are more than none while there are
  /// any. After finish.
  std::span<const Cell> from(std::size_t column, std::size_t first) const;

 private:
  std::size_t columns_;
  std::size_t rows_together_;
  std::size_t rows_ = 0;
  std::size_t row_in_block_ = 0;
  std::vector<Cell> block_;
  ValueStore<Cell> store_;
  std::optional<StoredValues<Cell>> stored_;
};

}  // namespace lockstep
