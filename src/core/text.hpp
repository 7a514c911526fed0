#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

/// `text` without white space at both ends.
std::string_view trim(std::string_view text);

/// The trimmed parts of `text` between `separator`s; one part where there is none.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The number that is the whole of `text`, if it is one; independent of the locale. `parse_number` takes
/// infinities and NaN too, as std::from_chars does.
std::optional<double> parse_number(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);

/// "1 seed", "2 seeds".
std::string count_of(std::int64_t count, std::string_view what);

/// `text` as a field of a CSV file (RFC 4180): in quotes where it holds a comma, a quote or the end of a
/// line, or has white space at an end, which readers leave out.
std::string csv_field(std::string_view text);

/// "a, b, c".
std::string join(std::span<const std::string> words);

/// "'a', 'b'"; of more than five "'a', 'b', 'c', 'd', 'e' and 3 more".
std::string some_of(std::span<const std::string> names);

/// `text` with a … z for A … Z.
std::string in_small_letters(std::string_view text);

/// Columns that `text`, in UTF-8, takes on a terminal, one for each character.
std::size_t columns_of(std::string_view text);

/// The words of `text` in lines of at most `columns`, or of one longer word; one line at least.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

/// `word` as a shell (POSIX) reads it as one word: in single quotes unless nothing in it is special.
std::string for_shell(std::string_view word);

/// `bytes` as text: RFC 4648, section 4.
std::string base64(std::span<const std::byte> bytes);

/// Whether `text` is a word of letters, digits, '-' and '_' that begins with a letter.
bool is_name(std::string_view text);

}  // namespace lockstep
