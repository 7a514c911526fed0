#include "data/csv_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace lockstep {

namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

std::string shortest(double number) { return fmt::format("{}", number == 0 ? 0.0 : number); }

}  // namespace

void ColumnValues::add_number(double number, Index line) {
  numbers_.push_back(takes_texts_ ? kNoNumber : number);
  if (takes_texts_) set_text(rows() - 1, shortest(number), line);
}

void ColumnValues::add_gap(Index line) {
  numbers_.push_back(kNoNumber);
  if (gaps_++ == 0) first_gap_ = line;
}

void ColumnValues::add_text(std::string_view text, Index line, const std::function<std::string()>& row) {
  numbers_.push_back(kNoNumber);
  if (first_text_.line == 0) first_text_ = {line, std::string(text), row()};
  set_text(rows() - 1, text, line);
}

void ColumnValues::set_text(Index row, std::string_view text, Index line) {
  auto code = codes_.find(text);
  if (code == codes_.end()) {
    code = codes_.emplace(std::string(text), static_cast<std::int32_t>(different_.size())).first;
    different_.push_back({code->first, line, 0});
  }
  ++different_[static_cast<std::size_t>(code->second)].count;
  texts_.push_back({row, code->second});
}

void ColumnValues::take_numbers_as_texts() {
  takes_texts_ = true;
  for (Index row = 0; row < rows(); ++row) {
    double& number = numbers_[static_cast<std::size_t>(row)];
    if (std::isnan(number)) continue;
    set_text(row, shortest(number), 0);
    number = kNoNumber;
  }
}

std::vector<std::int32_t> ColumnValues::as_texts() const {
  std::vector<std::int32_t> result(numbers_.size(), -1);
  for (const TextAt& at : texts_) result[static_cast<std::size_t>(at.row)] = at.text;
  return result;
}

bool ColumnValues::counts_rows() const {
  if (numbers() != rows()) return false;
  std::vector<double> sorted = numbers_;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() &&
         std::all_of(sorted.begin(), sorted.end(),
                     [](double number) { return number == std::trunc(number); });
}

}  // namespace lockstep
