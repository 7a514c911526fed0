#include "batch_sizes.hpp"

#include <set>

#include "lockstep/core/error.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep {

namespace {

/// Far above any data set.
constexpr Index kMostSamples = Index{1} << 40U;

[[noreturn]] void fail(const std::string& text) {
  fail_input("--batch-sizes {}: expected sizes of at least 1, as 16,64,256, or a range, as 16:16384:x4",
             text);
}

Index parse_size(std::string_view part, const std::string& text) {
  const auto size = parse_integer(part);
  if (!size || *size < 1 || *size > kMostSamples) fail(text);
  return *size;
}

}  // namespace

std::vector<Index> parse_batch_sizes(const std::string& text) {
  std::set<Index> sizes;
  for (const std::string_view part : split(text, ',')) {
    const auto ends = split(part, ':');
    if (ends.size() == 1) {
      sizes.insert(parse_size(part, text));
      continue;
    }
    if (ends.size() != 3 || !ends[2].starts_with('x')) fail(text);
    const Index first = parse_size(ends[0], text);
    const Index last = parse_size(ends[1], text);
    const Index factor = parse_size(ends[2].substr(1), text);
    if (last < first || factor < 2) fail(text);
    sizes.insert(first);
    for (Index size = first; size <= last / factor;) sizes.insert(size *= factor);
  }
  return {sizes.begin(), sizes.end()};
}

}  // namespace lockstep
