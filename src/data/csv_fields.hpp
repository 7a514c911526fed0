#pragma once

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
