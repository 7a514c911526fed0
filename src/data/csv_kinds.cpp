#include "data/csv_kinds.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "data/csv_fields.hpp"
#include "data/dates.hpp"

namespace lockstep {

namespace {

using Kind = TableColumn::Kind;
using DateForm = TableColumn::DateForm;
using Wish = CsvColumns::Wish;

/// A column of so few values, or with so few different ones, is not taken for one of identifiers.
constexpr Index kFew = 10;

/// Of one stray value there are so many ordinary ones.
constexpr Index kOrdinary = 10;

/// "id", "row_id", "PassengerId".
bool is_called_id(std::string_view name) {
  const auto is_lower = [](char c) { return 'a' <= c && c <= 'z'; };
  if (name == "id" || name == "ID" || name == "Id") return true;
  if (name.size() < 3) return false;
  const std::string_view end = name.substr(name.size() - 2);
  const char before = name[name.size() - 3];
  return ((end == "id" || end == "ID") && std::string_view("_- .").find(before) != std::string_view::npos) ||
         ((end == "Id" || end == "ID") && is_lower(before));
}

Index count_dates(const ColumnValues& values, DateForm form) {
  Index count = 0;
  for (const ColumnValues::Text& text : values.different_texts()) {
    if (parse_date(text.text, form)) count += text.count;
  }
  return count;
}

struct Dates {
  DateForm form = DateForm::kYearFirst;
  Index count = 0;
  bool is_ambiguous = false;  ///< day and month may change places
};

Dates find_dates(const ColumnValues& values) {
  // One that is none among many tells nothing, and many that are none tell enough.
  constexpr std::size_t kTried = 20;
  const std::vector<ColumnValues::Text>& texts = values.different_texts();
  const auto is_date = [](const ColumnValues::Text& text) {
    return parse_date(text.text, DateForm::kYearFirst) || parse_date(text.text, DateForm::kDayFirst) ||
           parse_date(text.text, DateForm::kMonthFirst);
  };
  const auto tried = texts.begin() + static_cast<std::ptrdiff_t>(std::min(kTried, texts.size()));
  const auto first = std::find_if(texts.begin(), tried, is_date);
  if (first == tried) return {};
  const Index years = count_dates(values, DateForm::kYearFirst);
  const Index days = count_dates(values, DateForm::kDayFirst);
  const Index months = count_dates(values, DateForm::kMonthFirst);
  const bool has_points = first->text.find('.') != std::string::npos;
  if (years >= std::max(days, months)) return {DateForm::kYearFirst, years};
  if (days > months || (days == months && has_points)) return {DateForm::kDayFirst, days};
  return {DateForm::kMonthFirst, months, days == months};
}

ColumnProblem stray_text(const ColumnValues& values) {
  const ColumnValues::Place& first = values.first_text();
  return {first.line, number_problem(first.field, first.row) +
                          "; or list the word in `missing`, or the column in `categories`"};
}

ColumnProblem stray_date(const ColumnValues& values, DateForm form) {
  const auto stray = std::ranges::find_if(
      values.different_texts(), [&](const ColumnValues::Text& text) { return !parse_date(text.text, form); });
  const bool is_number = stray == values.different_texts().end();
  return {is_number ? 0 : stray->line,
          fmt::format(
              "expected a date, as other rows have, found {}; correct it, or list the word in `missing` or "
              "the column in `categories`",
              is_number ? "a number" : fmt::format("'{}'", shown(stray->text)))};
}

/// Whether texts stand among the numbers by mistake.
bool has_strays(const ColumnValues& values) {
  constexpr std::ptrdiff_t kFewWords = 3;
  const Index texts = values.texts();
  const Index numbers = values.numbers();
  const Index different = std::ssize(values.different_texts());
  if (texts <= numbers && (texts * kOrdinary <= numbers || different <= kFewWords)) return true;
  Index written = 0;
  for (const ColumnValues::Text& text : values.different_texts()) {
    if (is_written_number(text.text) || (different > kFew && has_unit(text.text))) written += text.count;
  }
  return 2 * written > texts;
}

/// Numbers by their size, before texts by their bytes.
bool comes_before(const std::string& a, const std::string& b) {
  const std::optional<double> x = parse_number(a);
  const std::optional<double> y = parse_number(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  return a < b;
}

void set_categories(const ColumnValues& values, Index most, TableColumn& column) {
  std::vector<ColumnValues::Text> texts = values.different_texts();
  std::ranges::sort(texts, [](const ColumnValues::Text& a, const ColumnValues::Text& b) {
    return a.count != b.count ? a.count > b.count : comes_before(a.text, b.text);
  });
  column.kind = Kind::kCategory;
  column.has_others = std::ssize(texts) > most;
  if (column.has_others) texts.resize(static_cast<std::size_t>(most));
  for (ColumnValues::Text& text : texts) column.categories.push_back(std::move(text.text));
  std::ranges::sort(column.categories, comes_before);
}

}  // namespace

ColumnKind find_kind(ColumnValues& values, const std::string& name, Wish wish, Index max_categories) {
  ColumnKind result{.column = {.name = name, .has_gaps = values.gaps() > 0}};
  TableColumn& column = result.column;
  const auto left_out = [&](const std::string& why) {
    column = {.name = name, .kind = Kind::kLeftOut};
    result.left_out_since = why;
    return result;
  };
  if (wish == Wish::kIgnore) return left_out("");
  if (values.gaps() == values.rows()) return left_out("no row has a value");
  const Index present = values.rows() - values.gaps();
  if (values.texts() == 0 && wish != Wish::kCategory) {
    const bool is_id = wish == Wish::kNone && is_called_id(name) && present > kFew && values.counts_rows();
    return is_id ? left_out("it only numbers the rows") : result;
  }
  if (wish != Wish::kCategory && values.texts() > 0) {
    const Dates dates = find_dates(values);
    if (dates.count == present) {
      column.kind = Kind::kDate;
      column.date_form = dates.form;
      if (dates.is_ambiguous) result.remark = "taken for dates with the month first";
      return result;
    }
    if ((present - dates.count) * kOrdinary <= dates.count) {
      result.problem = stray_date(values, dates.form);
      return result;
    }
    if (has_strays(values)) {
      result.problem = stray_text(values);
      return result;
    }
  }
  if (values.numbers() > 0 && values.first_odd_number().line > 0) {
    result.problem = {
        values.first_odd_number().line,
        fmt::format("the number '{}' stands among texts, and has lost how it is written; list the column in "
                    "`categories`, or in `ignore`",
                    shown(values.first_odd_number().field))};
    return result;
  }
  values.take_numbers_as_texts();
  const Index different = std::ssize(values.different_texts());
  if (wish == Wish::kNone) {
    if (different == 1 && values.gaps() == 0) return left_out("every row has the same");
    if (different > std::max(kFew, present / 2)) {
      return left_out(
          fmt::format("most rows have a text of their own, such as '{}'", shown(values.first_text().field)));
    }
  }
  set_categories(values, max_categories, column);
  if (column.has_others) {
    result.remark = fmt::format(
        "has {0} different texts; only the {1} most frequent ones have features; `max-categories` = {0} "
        "takes all",
        different, max_categories);
  }
  return result;
}

}  // namespace lockstep
