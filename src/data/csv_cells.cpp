#include "data/csv_cells.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;
constexpr std::size_t kMostRowsTogether = 4096;

}  // namespace

Cell Cell::gap() { return Cell(kNaN); }

// The lower half of the NaN is 0 in a gap, and else the place + 1.
Cell Cell::text(std::int32_t place) {
  const auto code = static_cast<std::uint32_t>(place) + 1;
  return Cell(std::bit_cast<double>(std::bit_cast<std::uint64_t>(kNaN) | code));
}

double Cell::as_number() const { return is_number() ? value_ : kNaN; }

std::int32_t Cell::as_text() const {
  if (is_number()) return -1;
  return static_cast<std::int32_t>((std::bit_cast<std::uint64_t>(value_) & 0xffffffffU) - 1);
}

TableCells::TableCells(std::size_t columns, const Scratch& scratch)
    : columns_(columns),
      rows_together_(std::clamp<std::size_t>(kBlockBytes / sizeof(Cell) / std::max<std::size_t>(columns, 1),
                                             1, kMostRowsTogether)),
      block_(columns * rows_together_, Cell::gap()),
      store_(scratch) {}

void TableCells::end_row() {
  ++rows_;
  if (++row_in_block_ < rows_together_) return;
  store_.append(block_);
  row_in_block_ = 0;
}

void TableCells::finish() {
  if (row_in_block_ > 0) store_.append(block_);
  std::vector<Cell>().swap(block_);
  stored_.emplace(std::move(store_));
}

std::span<const Cell> TableCells::from(std::size_t column, std::size_t first) const {
  LOCKSTEP_CHECK(first < rows_);
  const std::size_t block = first / rows_together_;
  const std::size_t in_block = first % rows_together_;
  const std::size_t begin = (block * columns_ + column) * rows_together_ + in_block;
  return stored_->values().subspan(begin, std::min(rows_together_ - in_block, rows_ - first));
}

}  // namespace lockstep
