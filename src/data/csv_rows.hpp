#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Calls `visit(line, fields)` for every row of a comma-separated file (RFC 4180; LF, CRLF or CR), plain or
/// gzip, in order.
/// `line` is where the row starts, counted from 1; empty lines count, but are no rows. Fields lose their
/// quotes, unquoted ones also the white space around them; the views last until `visit` returns.
/// Errors: an unreadable or binary file, broken quotes.
void for_each_csv_row(const std::filesystem::path& file,
                      const std::function<void(Index, std::span<const std::string_view>)>& visit);

}  // namespace lockstep
