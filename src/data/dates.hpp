#pragma once

#include <optional>
#include <string_view>

#include "lockstep/data/table_column.hpp"

namespace lockstep {

/// A date of the Gregorian calendar.
struct Date {
  double days = 0;       ///< since 1970-01-01, a time of day as part of one
  unsigned month = 1;    ///< 1 is January
  unsigned weekday = 1;  ///< 1 is Monday
};

/// The date that is the whole of `text`: three numbers with '-', '/' or '.' between them, of which the year
/// has four digits; perhaps then, after a space or 'T', the time, as 12:30, 12:30:15 or 12:30:15.5, and
/// 'Z' or the distance from it, as +01:00. The month and day are those that are written.
std::optional<Date> parse_date(std::string_view text, TableColumn::DateForm form);

}  // namespace lockstep
