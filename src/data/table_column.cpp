#include "lockstep/data/table_column.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using Kind = TableColumn::Kind;
using DateForm = TableColumn::DateForm;

template <typename Value>
using Word = std::pair<Value, std::string_view>;

constexpr std::array<Word<Kind>, 4> kKinds = {{{Kind::kNumber, "number"},
                                               {Kind::kCategory, "category"},
                                               {Kind::kDate, "date"},
                                               {Kind::kLeftOut, "left out"}}};

constexpr std::array<Word<DateForm>, 3> kDateForms = {{{DateForm::kYearFirst, "year first"},
                                                       {DateForm::kDayFirst, "day first"},
                                                       {DateForm::kMonthFirst, "month first"}}};

template <typename Table, typename Value>
std::string word_of(const Table& table, Value value) {
  const auto found = std::ranges::find(table, value, [](const auto& entry) { return entry.first; });
  return std::string(found->second);
}

template <typename Table>
auto value_of(const Table& table, const std::string& word) {
  const auto found = std::ranges::find(table, word, [](const auto& entry) { return entry.second; });
  if (found == table.end()) {
    fail_input("columns of the table: '{}' is no kind of column; is the weights file damaged?", word);
  }
  return found->first;
}

Index features_of_kind(const TableColumn& column) {
  switch (column.kind) {
    case Kind::kNumber:
      return 1;
    case Kind::kCategory:
      return std::ssize(column.categories);
    case Kind::kDate:
      return 3;
    default:
      return 0;
  }
}

}  // namespace

bool TableColumn::is_plain() const { return kind == Kind::kNumber && !has_gaps; }

Index TableColumn::features() const {
  return kind == Kind::kLeftOut ? 0 : features_of_kind(*this) + (has_gaps ? 1 : 0);
}

std::vector<FeatureRange> features_of_categories(const std::vector<TableColumn>& columns) {
  std::vector<FeatureRange> ranges;
  Index first = 0;
  for (const TableColumn& column : columns) {
    if (column.kind == Kind::kCategory) ranges.push_back({first, column.features()});
    first += column.features();
  }
  return ranges;
}

std::string to_text(const std::vector<FeatureRange>& ranges) {
  std::string text;
  for (const auto& [first, count] : ranges) {
    text += fmt::format("{}{}-{}", text.empty() ? "" : "/", first, first + count - 1);
  }
  return text;
}

std::vector<std::string> names_of_features(const std::vector<TableColumn>& columns) {
  std::vector<std::string> names;
  for (const TableColumn& column : columns) {
    if (column.kind == Kind::kNumber || column.kind == Kind::kDate) names.push_back(column.name);
    if (column.kind == Kind::kDate) {
      names.push_back(column.name + " month");
      names.push_back(column.name + " weekday");
    }
    for (const std::string& category : column.categories) names.push_back(column.name + "=" + category);
    if (column.has_gaps) names.push_back(column.name + " missing");
  }
  return names;
}

std::vector<bool> are_indicators(const std::vector<TableColumn>& columns) {
  std::vector<bool> result;
  for (const TableColumn& column : columns) {
    result.insert(result.end(), static_cast<std::size_t>(features_of_kind(column)),
                  column.kind == Kind::kCategory);
    if (column.has_gaps) result.push_back(true);
  }
  return result;
}

std::string summary(const std::vector<TableColumn>& columns) {
  const auto count = [&](Kind kind) { return std::ranges::count(columns, kind, &TableColumn::kind); };
  Index category_features = 0;
  for (const TableColumn& column : columns) category_features += std::ssize(column.categories);
  std::vector<std::string> parts;
  if (count(Kind::kNumber) > 0) parts.push_back(count_of(count(Kind::kNumber), "number"));
  if (count(Kind::kCategory) > 0) {
    parts.push_back(
        fmt::format("{} of categories ({})", count(Kind::kCategory), count_of(category_features, "feature")));
  }
  if (count(Kind::kDate) > 0) parts.push_back(count_of(count(Kind::kDate), "date"));
  const auto gaps = std::ranges::count_if(columns, &TableColumn::has_gaps);
  std::string text = join(parts);
  if (gaps > 0) text += fmt::format("; {} of them with gaps", gaps);
  if (count(Kind::kLeftOut) > 0) text += fmt::format("; {} left out", count(Kind::kLeftOut));
  return text;
}

std::string columns_to_text(const std::vector<TableColumn>& columns) {
  nlohmann::json list = nlohmann::json::array();
  for (const TableColumn& column : columns) {
    nlohmann::json entry = {{"name", column.name}, {"kind", word_of(kKinds, column.kind)}};
    if (column.has_gaps) entry["gaps"] = true;
    if (column.kind == Kind::kCategory) entry["categories"] = column.categories;
    if (column.has_others) entry["others"] = true;
    if (column.kind == Kind::kDate) entry["form"] = word_of(kDateForms, column.date_form);
    list.push_back(std::move(entry));
  }
  return json_text(list);
}

std::vector<TableColumn> columns_from_text(const std::string& text) {
  std::vector<TableColumn> columns;
  try {
    for (const nlohmann::json& entry : parse_json<nlohmann::json>(text)) {
      TableColumn& column = columns.emplace_back();
      column.name = entry.at("name");
      column.kind = value_of(kKinds, entry.at("kind"));
      column.has_gaps = entry.value("gaps", false) && column.kind != Kind::kLeftOut;
      if (column.kind == Kind::kCategory) entry.at("categories").get_to(column.categories);
      column.has_others = entry.value("others", false);
      if (column.kind == Kind::kDate) column.date_form = value_of(kDateForms, entry.at("form"));
    }
  } catch (const nlohmann::json::exception&) {
    fail_input("columns of the table: expected JSON, a list of columns; is the weights file damaged?");
  }
  return columns;
}

}  // namespace lockstep
