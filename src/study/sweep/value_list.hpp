#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// All numbers between two ends, both included.
struct NumberRange {
  std::string text;  ///< as it was given
  std::string low_text, high_text;
  double low = 0;
  double high = 0;
  bool is_geometric = false;  ///< drawn evenly by their logarithms
};

/// "A:B:log" or "A:B:lin", a range without a count, to draw from; nothing of any other text. A pure function.
/// Errors, which begin with `option`: ends that are empty, backwards, or for log not above 0.
std::optional<NumberRange> parse_open_range(const std::string& option, std::string_view text);

/// The values that `text` lists, as text and in its order. They are separated by '|' where there is one
/// ("relu | tanh"), else by commas, and each is a value or a range from A to B, both included:
///
///     A:B:logN   N numbers with the same ratio of neighbours   1e-4:1e-1:log7
///     A:B:linN   N numbers with the same distance              0:0.5:lin6
///     A:B:xF     A, A·F, A·F² … up to B                        16:16384:x4
///
/// A pure function. Errors, which begin with `option`: an empty value, a range that is empty, backwards or
/// unknown; more than ten thousand values in all.
std::vector<std::string> parse_values(const std::string& option, std::string_view text);

/// The same as whole numbers, ascending, each once. Errors: also a number below 1 or above `most`, which is
/// `what`.
std::vector<Index> parse_whole_numbers(const std::string& option, const std::string& text, Index most,
                                       const std::string& what);

}  // namespace lockstep
