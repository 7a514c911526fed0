#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace lockstep {

/// Calls `take(line, number)` for every line of `text`, without its line break; numbers count from 1.
template <typename Take>
void for_each_line(std::string_view text, Take take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace lockstep
