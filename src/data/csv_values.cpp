#include "data/csv_values.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "core/text.hpp"

namespace lockstep {

namespace {

bool is_digit_at(std::string_view text, std::size_t i) {
  return i < text.size() && '0' <= text[i] && text[i] <= '9';
}

/// Whether the shortest text of a number is another than `field` without zeros at the end.
bool is_odd(std::string_view field) {
  constexpr std::size_t kMostDigits = 15;
  const std::size_t begin = field.starts_with('-') ? 1 : 0;
  const bool has_point_first = !is_digit_at(field, begin);
  const bool has_zero_first = field.substr(begin).starts_with('0') && is_digit_at(field, begin + 1);
  const bool is_negative_zero = begin == 1 && field.find_first_of("123456789") == std::string_view::npos;
  return field.size() > kMostDigits || has_point_first || has_zero_first || is_negative_zero ||
         field.find_first_of("eE+") != std::string_view::npos;
}

/// A number as the name of a category: "1.50" is "1.5", and "1.0" is "1".
std::string without_zeros_at_end(std::string_view field) {
  std::string text(field);
  std::ranges::replace(text, ',', '.');
  if (text.find('.') == std::string::npos || text.find_first_of("eE") != std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

void ColumnValues::add(Cell cell) {
  cells_->add(at_, cell);
  ++rows_;
}

void ColumnValues::add_number(double number, std::string_view field, Index line) {
  if (takes_texts_) return add(Cell::text(count_text(without_zeros_at_end(trim(field)), line)));
  add(Cell::number(number));
  if (first_odd_number_.line == 0 && is_odd(trim(field)))
    first_odd_number_ = {line, std::string(trim(field))};
}

void ColumnValues::add_gap(Index line) {
  add(Cell::gap());
  if (gaps_++ == 0) first_gap_ = line;
}

void ColumnValues::add_text(std::string_view text, Index line, const std::function<std::string()>& row) {
  if (first_text_.line == 0) first_text_ = {line, std::string(text), row()};
  add(Cell::text(count_text(text, line)));
}

std::int32_t ColumnValues::count_text(std::string_view text, Index line) {
  auto code = codes_.find(text);
  if (code == codes_.end()) {
    code = codes_.emplace(std::string(text), static_cast<std::int32_t>(different_.size())).first;
    different_.push_back({code->first, line, 0});
  }
  ++different_[static_cast<std::size_t>(code->second)].count;
  ++texts_;
  return code->second;
}

template <typename Take>
void ColumnValues::for_each_cell(Index first, Index count, const Take& take) const {
  while (count > 0) {
    std::span<const Cell> cells = cells_->from(at_, static_cast<std::size_t>(first));
    cells = cells.first(std::min(cells.size(), static_cast<std::size_t>(count)));
    for (const Cell cell : cells) take(cell);
    first += std::ssize(cells);
    count -= std::ssize(cells);
  }
}

void ColumnValues::take_numbers_as_texts() {
  takes_texts_ = true;
  for_each_cell(0, rows(), [&](Cell cell) {
    if (!cell.is_number()) return;
    const double number = cell.as_number();
    codes_of_numbers_[number] = count_text(fmt::format("{}", number), 0);
  });
}

std::vector<double> ColumnValues::numbers(Index first, Index count) const {
  std::vector<double> result;
  result.reserve(static_cast<std::size_t>(count));
  for_each_cell(first, count, [&](Cell cell) { result.push_back(cell.as_number()); });
  return result;
}

std::vector<std::int32_t> ColumnValues::texts(Index first, Index count) const {
  std::vector<std::int32_t> result;
  result.reserve(static_cast<std::size_t>(count));
  for_each_cell(first, count, [&](Cell cell) {
    const bool is_both = cell.is_number() && !codes_of_numbers_.empty();
    result.push_back(is_both ? codes_of_numbers_.at(cell.as_number()) : cell.as_text());
  });
  return result;
}

bool ColumnValues::counts_rows() const {
  if (numbers() != rows()) return false;
  std::vector<double> sorted = numbers(0, rows());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() &&
         std::all_of(sorted.begin(), sorted.end(),
                     [](double number) { return number == std::trunc(number); });
}

}  // namespace lockstep
