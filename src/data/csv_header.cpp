#include "data/csv_header.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/text.hpp"
#include "data/csv_encoding.hpp"
#include "data/csv_fields.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

/// Whether each is a whole number, one more than that before: 0, 1, 2, … or 2019, 2020, …
bool count_up(const std::vector<std::string>& fields) {
  std::optional<std::int64_t> before;
  for (const std::string& field : fields) {
    const std::optional<std::int64_t> number = parse_integer(field);
    if (!number || (before && *number != *before + 1)) return false;
    before = number;
  }
  return true;
}

}  // namespace

bool looks_like_names(std::span<const std::string_view> fields, const std::vector<bool>& is_beside) {
  bool has_name = false;
  for (std::size_t column = 0; column < fields.size(); ++column) {
    if (is_beside[column]) continue;
    const FieldKind kind = kind_of(fields[column]);
    if (kind == FieldKind::kNumber || has_decimal_comma(fields[column])) return false;
    has_name = has_name || kind == FieldKind::kName;
  }
  return has_name;
}

bool is_row_of(const std::vector<TableColumn>& columns, std::span<const std::string_view> fields,
               const std::vector<bool>& is_beside) {
  if (columns.empty()) return false;
  auto column = columns.begin();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (is_beside[i] && fields.size() > columns.size()) continue;
    if (column == columns.end() || !may_hold(*column++, trim(fields[i]))) return false;
  }
  return column == columns.end();
}

bool names_rows(std::string_view name) {
  return name.empty() || name == "Unnamed: 0" || name.starts_with("Unnamed: 0.");
}

void doubt_first_sample(const std::string& where, const std::vector<std::string>& fields,
                        const std::vector<bool>& is_beside, FirstLabel label, bool has_names) {
  std::vector<std::string> features;
  std::vector<std::string> numbers;
  bool has_word = false;
  for (std::size_t column = 0; column < fields.size(); ++column) {
    if (parse_integer(fields[column])) numbers.push_back(fields[column]);
    if (is_beside[column]) continue;
    features.push_back(fields[column]);
    has_word = has_word || kind_of(fields[column]) == FieldKind::kName;
  }
  const std::string choice = "set `header` = yes if it names the columns, no if it is a sample";
  const std::string line = shown(fmt::format("{}", join(fields)));
  if (has_names) {
    fail_input("{}: '{}': taken for a sample, but its texts occur in no other row; {}", where, line, choice);
  }
  if (has_word && numbers.size() > 1 && count_up(numbers)) {
    fail_input("{}: '{}': its numbers count up, beside a word; {}", where, line, choice);
  }
  if (label == FirstLabel::kOnlyText) {
    fail_input("{}: '{}': its label is no number, as all others are; {}", where, line, choice);
  }
  if (label == FirstLabel::kOnlyOnce && features.size() > 1 && count_up(features)) {
    fail_input("{}: '{}': its numbers count up, and its label occurs nowhere else; {}", where, line, choice);
  }
  const bool is_long = fields.size() > 2 || (fields.size() == 2 && fields.front() == "0");
  if (is_long && count_up(fields)) {
    log::warn_once(fmt::format("lockstep: {}: '{}': taken for a sample, though its numbers count up; {}",
                               where, line, choice));
  }
}

}  // namespace lockstep
