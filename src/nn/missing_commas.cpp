#include "nn/missing_commas.hpp"

#include <algorithm>

#include <fmt/ranges.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

void refuse_missing_commas(const std::vector<std::string>& words, const std::vector<std::string>& names) {
  std::string separated;
  std::string first;
  for (const std::string& word : words) {
    const bool begins_unit = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return in_small_letters(name) == in_small_letters(word);
    });
    if (!separated.empty()) separated += begins_unit ? ", " : " ";
    if (!separated.empty() && begins_unit && first.empty()) first = word;
    separated += word;
  }
  if (first.empty()) return;
  fail_input("'{}': a comma is missing before '{}'; expected '{}'", fmt::join(words, " "), first, separated);
}

}  // namespace lockstep
