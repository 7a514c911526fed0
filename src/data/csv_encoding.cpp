#include "data/csv_encoding.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "data/csv_fields.hpp"
#include "data/dates.hpp"

namespace lockstep {

namespace {

using Kind = TableColumn::Kind;

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

/// The place of each different text among the categories, or -1.
std::vector<Index> categories_of(const TableColumn& column, const ColumnValues& values) {
  std::map<std::string_view, Index> places;
  for (const std::string& category : column.categories) places.emplace(category, std::ssize(places));
  std::vector<Index> result;
  for (const ColumnValues::Text& text : values.different_texts()) {
    const auto found = places.find(text.text);
    result.push_back(found == places.end() ? -1 : found->second);
  }
  return result;
}

}  // namespace

bool may_hold(const TableColumn& column, std::string_view field) {
  if (is_gap(field)) return column.has_gaps || column.kind == Kind::kLeftOut;
  switch (column.kind) {
    case Kind::kNumber:
      return parse_field(field, ';').has_value();
    case Kind::kDate:
      return parse_date(field, column.date_form).has_value();
    case Kind::kCategory:
      return std::ranges::find(column.categories, field) != column.categories.end();
    default:
      return true;
  }
}

bool takes_texts(const TableColumn& column) {
  return column.kind == Kind::kCategory || column.kind == Kind::kDate;
}

UnseenValues find_unseen(const TableColumn& column, const ColumnValues& values) {
  UnseenValues unseen;
  if (column.kind == Kind::kLeftOut) return unseen;
  const std::vector<ColumnValues::Text>& texts = values.different_texts();
  if (column.kind == Kind::kNumber && values.texts() > 0) {
    const ColumnValues::Place& first = values.first_text();
    unseen.broken = {first.line, number_problem(first.field, first.row)};
  }
  if (column.kind == Kind::kDate) {
    const auto stray = std::ranges::find_if(
        texts, [&](const ColumnValues::Text& text) { return !parse_date(text.text, column.date_form); });
    if (stray != texts.end()) {
      unseen.broken = {
          stray->line,
          fmt::format("expected a date as in the training data, found '{}'; correct it", shown(stray->text))};
    }
  }
  if (column.kind == Kind::kCategory && !column.has_others) {
    const std::vector<Index> categories = categories_of(column, values);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (categories[i] >= 0) continue;
      if (!unseen.fresh) {
        unseen.fresh = {texts[i].line, fmt::format("'{}' is none of the {} categories of the training data",
                                                   shown(texts[i].text), column.categories.size())};
      }
      unseen.fresh_rows += texts[i].count;
    }
  }
  if (values.gaps() > 0 && !column.has_gaps) {
    if (!unseen.fresh)
      unseen.fresh = {values.first_gap(), "a gap, of which the training data have none here"};
    unseen.fresh_rows += values.gaps();
  }
  return unseen;
}

ColumnEncoder::ColumnEncoder(const TableColumn& column, const ColumnValues& values)
    : column_(column), values_(values) {
  if (!takes_texts(column)) return;
  if (column.kind == Kind::kCategory) {
    categories_ = categories_of(column, values);
    return;
  }
  for (const ColumnValues::Text& text : values.different_texts()) {
    const Date date = parse_date(text.text, column.date_form).value_or(Date{});
    of_dates_.push_back({date.days, static_cast<double>(date.month), static_cast<double>(date.weekday)});
  }
}

void ColumnEncoder::take_rows(Index first, Index count) {
  if (column_.features() == 0) return;
  if (takes_texts(column_)) {
    texts_ = values_.texts(first, count);
  } else {
    numbers_ = values_.numbers(first, count);
  }
}

double ColumnEncoder::indicator_of_gap(std::size_t row) const {
  const bool is_gap = takes_texts(column_) ? texts_[row] < 0 : std::isnan(numbers_[row]);
  return is_gap ? 1 : 0;
}

std::vector<double> ColumnEncoder::feature(Index which) const {
  const bool is_indicator_of_gap = column_.has_gaps && which == column_.features() - 1;
  if (column_.kind == Kind::kNumber && !is_indicator_of_gap) return numbers_;
  std::vector<double> result(takes_texts(column_) ? texts_.size() : numbers_.size());
  for (std::size_t row = 0; row < result.size(); ++row) {
    if (is_indicator_of_gap) {
      result[row] = indicator_of_gap(row);
      continue;
    }
    const std::int32_t text = texts_[row];
    if (column_.kind == Kind::kCategory) {
      result[row] = text >= 0 && categories_[static_cast<std::size_t>(text)] == which ? 1 : 0;
    } else {
      result[row] =
          text < 0 ? kGap : of_dates_[static_cast<std::size_t>(text)][static_cast<std::size_t>(which)];
    }
  }
  return result;
}

}  // namespace lockstep
