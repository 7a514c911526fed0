#include "core/suggestion.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lockstep {

namespace {

constexpr std::size_t kFar = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kLongest = 40;  // far more than any name has

/// What other programs call it, and its name here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kElsewhere = {{
    {"batch", "batch-size"},
    {"dense", "linear"},
    {"device-batch-size", "batch-size"},
    {"fc", "linear"},
    {"lr", "learning-rate"},
    {"max-epochs", "epochs"},
    {"max-grad-norm", "clip-norm"},
    {"num-epochs", "epochs"},
    {"wd", "weight-decay"},
}};

/// Small letters, '-' for '_', no dashes in front.
std::string plain(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  std::string text(name);
  for (char& letter : text) {
    if (letter == '_') letter = '-';
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

/// "key" of "section.key".
std::string_view key_of(std::string_view name) { return name.substr(name.find('.') + 1); }

std::string_view section_of(std::string_view name) {
  return name.substr(0, name.size() - key_of(name).size());
}

/// Letters to insert, take away, replace or exchange with their neighbour (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before;
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

/// How far `candidate` is from `word`, both plain; kFar where nobody would mistake one for the other.
std::size_t distance(std::string_view word, std::string_view candidate) {
  constexpr std::size_t kShortestStart = 3;
  const std::size_t edits = edit_distance(word, candidate);
  // One in three letters of a short word, one in four of a long one.
  const std::size_t letters = word.size();
  if (edits <= std::min(letters / 3, std::max<std::size_t>(2, (letters + 1) / 4))) return edits;
  const std::size_t shorter = std::min(word.size(), candidate.size());
  const std::size_t longer = std::max(word.size(), candidate.size());
  const bool begins = shorter >= kShortestStart && 2 * shorter >= longer &&
                      (word.starts_with(candidate) || candidate.starts_with(word));
  return begins ? edits : kFar;
}

/// The same for names that may have a section, `key` being the key of the word as it is called here.
std::size_t distance_of_names(std::string_view word, std::string_view key, std::string_view candidate) {
  const std::string_view candidate_key = key_of(candidate);
  const bool has_no_section = key_of(word) == word && candidate_key != candidate;
  if (key == candidate_key)
    return has_no_section ? 0 : edit_distance(section_of(word), section_of(candidate));
  return std::min(distance(word, candidate), has_no_section ? distance(word, candidate_key) : kFar);
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  const std::string name = plain(word.substr(0, kLongest));
  std::string_view key = key_of(name);
  for (const auto& [elsewhere, here] : kElsewhere) {
    if (key == elsewhere) key = here;
  }
  std::vector<std::string> best;
  std::size_t best_distance = kFar;
  for (const std::string& candidate : candidates) {
    const std::size_t found = distance_of_names(name, key, plain(candidate));
    if (found > best_distance || found == kFar) continue;
    if (found < best_distance) best.clear();
    best_distance = found;
    best.push_back(candidate);
  }
  if (best.empty()) return {};
  std::string text = fmt::format("; did you mean '{}'?", fmt::join(best, "' or '"));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char letter) { return letter < ' '; }, '?');
  return text;
}

}  // namespace lockstep
