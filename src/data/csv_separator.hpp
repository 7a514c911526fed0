#pragma once

#include <string_view>

namespace lockstep {

/// The separators that a table may have, but for a comma.
inline constexpr std::string_view kOtherSeparators = "\t;|";

/// What separates the fields of the table that begins with `text`: what its first lines have the same number
/// of, rather what leaves no other of them between it, but decimal commas and commas before a space, and then
/// what leaves more numbers. A comma where nothing does.
/// `is_whole`: the table ends there, too.
char find_separator(std::string_view text, bool is_whole);

}  // namespace lockstep
