#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// One row of a table.
struct CsvRow {
  Index line;                                ///< where it starts, counted from 1
  std::span<const std::string_view> fields;  ///< last as long as the call that is given them
  char separator;                            ///< of the table
};

/// Calls `visit` for every row of a table (RFC 4180, but for `separator`, which is found where none is given;
/// LF, CRLF or CR), plain or gzip, in order. Empty lines count, but are no rows. Fields lose their quotes,
/// unquoted ones also the white space around them.
/// Errors: an unreadable or binary file, broken quotes.
void for_each_csv_row(const std::filesystem::path& file, std::optional<char> separator,
                      const std::function<void(const CsvRow&)>& visit);

}  // namespace lockstep
