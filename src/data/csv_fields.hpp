#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lockstep {

/// What the text of a field may be.
enum class FieldKind {
  kNumber,  ///< a number, though perhaps beyond what double holds
  kGap,     ///< nothing, or what is written for it: ?, NA, nan, …
  kValue,   ///< a number with something to it: 12px, 2020-01-31, 5;2
  kName     ///< anything else
};

FieldKind kind_of(std::string_view field);

/// The number that `field` is, with a decimal point, or a decimal comma where the separator is none; also an
/// infinite one, and NaN.
std::optional<double> parse_field(std::string_view field, char separator);

/// Whether `field` is a decimal number with a comma for its point.
bool has_decimal_comma(std::string_view field);

/// Whether `field`, which is no number, stands for a missing value in every table: empty, ?, NA, NaN, …
bool is_gap(std::string_view field);

/// Whether `field`, which is no number, is one as people write them: 1,234.5 or $12 or 85 %.
bool is_written_number(std::string_view field);

/// Whether `field` is a number and its unit, or a number in brackets: 12 kg, 5cm, (5.5).
bool has_unit(std::string_view field);

/// Whether `value`, which is what `field` says, is a finite number within the range of float, and above that
/// of double's subnormal numbers, which have lost digits.
bool is_in_range(double value, std::string_view field);

/// Why the field of a feature or target is no finite number in the range of float, and what to do:
/// "expected …, found …; …". `row` is the line it stands in, for its separators.
std::string number_problem(std::string_view field, std::string_view row);

/// Whether another separator than a comma stands between numbers in `field`: 5;2.
bool joins_numbers(std::string_view field);

/// What to do with lines of text whose fields are separated by something else than commas, with "; " in
/// front; empty where they are not.
std::string separator_advice(std::string_view text);

/// `text` without white space that is no ASCII and characters that cannot be seen, at both ends.
std::string_view trim_unseen(std::string_view text);

/// `text` for a message of one line: shortened, with ? for what cannot be printed and its code for what
/// cannot be seen.
std::string shown(std::string_view text);

}  // namespace lockstep
