#include "data/dates.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <utility>

#include "core/text.hpp"

namespace lockstep {

namespace {

using DateForm = TableColumn::DateForm;

/// The number that `text` begins with, of at most `most` digits, which are taken off.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t most) {
  std::size_t digits = 0;
  while (digits < text.size() && '0' <= text[digits] && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > most) return std::nullopt;
  unsigned number = 0;
  std::from_chars(text.data(), text.data() + digits, number);
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char character) {
  if (!text.starts_with(character)) return false;
  text.remove_prefix(1);
  return true;
}

/// The part of a day that `text` is as a time: 12:30 is 0.52….
std::optional<double> parse_time(std::string_view text) {
  double east = 0;  // of Greenwich, in minutes
  if (text.ends_with('Z')) text.remove_suffix(1);
  const std::size_t sign = text.find_first_of("+-");
  if (sign != std::string_view::npos) {
    std::string_view offset = text.substr(sign + 1);
    const auto offset_hours = take_digits(offset, 2);
    if (!offset_hours || !take(offset, ':')) return std::nullopt;
    const auto offset_minutes = take_digits(offset, 2);
    if (!offset_minutes || !offset.empty()) return std::nullopt;
    east = (text[sign] == '-' ? -1 : 1) * (*offset_hours * 60.0 + *offset_minutes);
    text = text.substr(0, sign);
  }
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 24 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  double seconds = 0;
  if (take(text, ':')) {
    const bool has_digit = !text.empty() && '0' <= text.front() && text.front() <= '9';
    const std::optional<double> value = has_digit ? parse_number(text) : std::nullopt;
    if (!value || !(*value < 61)) return std::nullopt;  // 60 is a leap second
    seconds = *value;
    text = {};
  }
  if (!text.empty()) return std::nullopt;
  return ((*hours * 60.0 + *minutes - east) * 60.0 + seconds) / 86400.0;
}

}  // namespace

std::optional<Date> parse_date(std::string_view text, DateForm form) {
  std::array<unsigned, 3> parts{};
  char separator = '\0';
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_year = i == (form == DateForm::kYearFirst ? 0 : 2);
    const std::size_t before = text.size();
    const auto number = take_digits(text, is_year ? 4 : 2);
    if (!number || (is_year && before - text.size() != 4)) return std::nullopt;
    parts[i] = *number;
    if (i == 2) break;
    if (text.empty() || std::string_view("-/.").find(text.front()) == std::string_view::npos)
      return std::nullopt;
    if (i == 0) separator = text.front();
    if (!take(text, separator)) return std::nullopt;
  }
  if (form == DateForm::kDayFirst) std::swap(parts[0], parts[2]);
  if (form == DateForm::kMonthFirst) parts = {parts[2], parts[0], parts[1]};

  double time = 0;
  if (take(text, ' ') || take(text, 'T')) {
    const std::optional<double> part = parse_time(text);
    if (!part) return std::nullopt;
    time = *part;
    text = {};
  }
  if (!text.empty()) return std::nullopt;

  using namespace std::chrono;
  const year_month_day date(year(static_cast<int>(parts[0])), month(parts[1]), day(parts[2]));
  if (!date.ok()) return std::nullopt;
  const sys_days days(date);
  return Date{static_cast<double>(days.time_since_epoch().count()) + time, parts[1],
              weekday(days).iso_encoding()};
}

}  // namespace lockstep
