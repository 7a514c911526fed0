#include "data/csv_separator.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

#include "data/csv_fields.hpp"

namespace lockstep {

namespace {

/// The first rows of `text`, of which quotes hold line ends together.
std::vector<std::string_view> first_rows(std::string_view text, bool is_whole) {
  constexpr std::size_t kEnough = 20;
  std::vector<std::string_view> rows;
  bool is_quoted = false;
  std::size_t begin = 0;
  const auto end_row = [&](std::size_t end) {
    if (end > begin) rows.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  };
  for (std::size_t i = 0; i < text.size() && rows.size() < kEnough; ++i) {
    if (text[i] == '"') is_quoted = !is_quoted;
    if (!is_quoted && (text[i] == '\n' || text[i] == '\r')) end_row(i);
  }
  if (is_whole && rows.size() < kEnough && begin < text.size()) end_row(text.size());
  return rows;
}

std::vector<std::string_view> fields_of(std::string_view row, char separator) {
  std::vector<std::string_view> fields;
  bool is_quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] == '"') is_quoted = !is_quoted;
    if (is_quoted || row[i] != separator) continue;
    fields.push_back(row.substr(begin, i - begin));
    begin = i + 1;
  }
  fields.push_back(row.substr(begin));
  return fields;
}

/// Whether `field` of a table with this separator holds another one that is none of text or number.
bool holds_another(std::string_view field, char separator) {
  if (field.starts_with('"') || (separator != ',' && has_decimal_comma(field))) return false;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const bool is_other = field[i] != separator &&
                          (field[i] == ',' || kOtherSeparators.find(field[i]) != std::string_view::npos);
    const bool is_of_text = field[i] == ',' && i + 1 < field.size() && field[i + 1] == ' ';
    if (is_other && !is_of_text) return true;
  }
  return false;
}

/// How well a separator fits: better is more.
std::tuple<bool, double, double, std::size_t> score(const std::vector<std::string_view>& rows,
                                                    char separator) {
  std::size_t width = 0;
  std::size_t numbers = 0;
  std::size_t others = 0;
  std::size_t count = 0;
  for (const std::string_view row : rows) {
    const std::vector<std::string_view> fields = fields_of(row, separator);
    if (width == 0) width = fields.size();
    if (fields.size() != width || width < 2) return {};
    count += fields.size();
    numbers += static_cast<std::size_t>(std::ranges::count_if(
        fields, [&](std::string_view field) { return parse_field(field, separator).has_value(); }));
    others += static_cast<std::size_t>(std::ranges::count_if(
        fields, [&](std::string_view field) { return holds_another(field, separator); }));
  }
  const auto all = static_cast<double>(std::max<std::size_t>(count, 1));
  return {width > 1, -static_cast<double>(others) / all, static_cast<double>(numbers) / all, width};
}

}  // namespace

char find_separator(std::string_view text, bool is_whole) {
  const std::vector<std::string_view> rows = first_rows(text, is_whole);
  if (rows.empty()) return ',';
  const std::string candidates = std::string(kOtherSeparators) + ',';
  const char best = std::ranges::max(candidates, {}, [&](char candidate) { return score(rows, candidate); });
  if (score(rows, best) != decltype(score(rows, best))()) return best;
  // Rows of different lengths are a fault, which is told better once they are cut.
  const auto cuts = [&](char candidate) { return fields_of(rows.front(), candidate).size(); };
  const char most = std::ranges::max(candidates, {}, cuts);
  return cuts(most) > cuts(',') ? most : ',';
}

}  // namespace lockstep
