#include "data/csv_wishes.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "data/csv_fields.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using Wish = CsvColumns::Wish;

/// What a column of this role is, if it is not for features or left out.
std::string other_use(CsvColumns::Role role) {
  if (role == CsvColumns::Role::kTarget) return "label";
  if (role == CsvColumns::Role::kGroup) return "group";
  return role == CsvColumns::Role::kWeight ? "weight" : "";
}

void take_wish(const std::string& file, const std::string& key, const std::string& list, Wish wish,
               CsvColumns& columns) {
  const std::string_view text = trim(list);
  if (text.empty()) return;
  const bool is_name = std::ranges::find(columns.names, text) != columns.names.end();  // it may hold a comma
  for (const std::string_view name : is_name ? std::vector{text} : split(text, ',')) {
    const Index column = named_column(file, key, list, name, columns);
    CsvColumns::Place& place = columns.places[static_cast<std::size_t>(column)];
    if (const std::string other = other_use(place.role); !other.empty()) {
      fail_input("`{}` = {}: column '{}' is the {}; remove it", key, shown(list), shown(name), other);
    }
    if (place.wish == Wish::kIgnore && wish == Wish::kCategory) {
      fail_input("`{}` = {}: column '{}' is not in `columns`; add it there", key, shown(list), shown(name));
    }
    const bool is_wanted = place.wish == Wish::kKeep || place.wish == Wish::kCategory;
    if (is_wanted && wish == Wish::kIgnore) {
      fail_input("`{}` = {}: column '{}' is also in `columns` or `categories`; remove it from one of them",
                 key, shown(list), shown(name));
    }
    place.wish = wish;
  }
}

}  // namespace

std::optional<Index> column_by_number(std::string_view text, Index columns) {
  std::optional<std::int64_t> column = parse_integer(text);
  if (column && *column < 0) *column += columns;
  if (!column || *column < 0 || *column >= columns) return std::nullopt;
  return static_cast<Index>(*column);
}

Index named_column(const std::string& file, const std::string& key, const std::string& list,
                   std::string_view name, const CsvColumns& columns) {
  const auto named = std::ranges::find(columns.names, name);
  if (named != columns.names.end()) return named - columns.names.begin();
  if (const std::optional<Index> column = column_by_number(name, columns.count())) return *column;
  fail_input("`{}` = {}: no column '{}' in {}{}", key, shown(list), shown(name), file,
             columns.has_header ? suggestion(name, columns.names)
                                : fmt::format("; expected numbers from 0 to {}", columns.count() - 1));
}

void take_wishes(const std::string& file, const CsvOptions& options, CsvColumns& columns) {
  if (!trim(options.columns).empty()) {
    for (CsvColumns::Place& place : columns.places) place.wish = Wish::kIgnore;
  }
  take_wish(file, "columns", options.columns, Wish::kKeep, columns);
  take_wish(file, "categories", options.categories, Wish::kCategory, columns);
  take_wish(file, "ignore", options.ignore, Wish::kIgnore, columns);
}

}  // namespace lockstep
