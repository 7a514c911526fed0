#include "core/suggestion.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.hpp"

namespace lockstep {

namespace {

constexpr std::size_t kFar = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kLongest = 40;  // far more than any name has

/// What other programs call it, and its name here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kElsewhere = {{
    {"batch", "batch-size"},
    {"convolution", "conv"},
    {"dataset", "source"},
    {"dense", "linear"},
    {"device-batch-size", "batch-size"},
    {"early-stop", "patience"},
    {"early-stopping", "patience"},
    {"fc", "linear"},
    {"fully-connected", "linear"},
    {"iterations", "steps"},
    {"l1", "mae"},
    {"lr", "learning-rate"},
    {"max-epochs", "epochs"},
    {"max-grad-norm", "clip-norm"},
    {"max-steps", "steps"},
    {"no", "false"},
    {"num-epochs", "epochs"},
    {"off", "false"},
    {"on", "true"},
    {"output-dir", "dir"},
    {"wd", "weight-decay"},
    {"yes", "true"},
}};

/// Small letters, '-' for '_', no dashes in front.
std::string plain(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  std::string text = in_small_letters(name);
  std::replace(text.begin(), text.end(), '_', '-');
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

/// `edits` that turn `word` into `candidate`, or kFar if they are more than slips of the finger.
std::size_t slips(std::string_view word, std::string_view candidate) {
  constexpr std::size_t kMostSlips = 3;
  const std::size_t letters = word.size();
  const std::size_t forgiven =
      std::min({letters / 3, std::max<std::size_t>(2, (letters + 1) / 4), kMostSlips});
  const std::size_t edits = edit_distance(word, candidate);
  // Who slips twice in a word has at least begun with the right letter.
  const bool begins_alike = edits < 2 || word.substr(0, 1) == candidate.substr(0, 1);
  return edits <= forgiven && begins_alike ? edits : kFar;
}

/// How far `candidate` is from `word`, both plain; kFar where nobody would mistake one for the other.
std::size_t distance(std::string_view word, std::string_view candidate) {
  constexpr std::size_t kShortestStart = 3;
  const std::size_t shorter = std::min(word.size(), candidate.size());
  const std::size_t longer = std::max(word.size(), candidate.size());
  const bool begins = shorter >= kShortestStart && 2 * shorter >= longer &&
                      (word.starts_with(candidate) || candidate.starts_with(word));
  return std::min(slips(word, candidate), begins ? longer - shorter : kFar);
}

/// The same for names that may have a section, `key` being the key of the word as it is called here. In
/// sections and keys one may slip; a key that is spelled right may stand in any section, or in none.
std::size_t distance_of_names(std::string_view word, std::string_view key, std::string_view candidate) {
  const std::string_view section = section_of(word);
  const std::string_view other_key = key_of(candidate);
  const std::string_view other_section = section_of(candidate);
  if (key == other_key) return section.empty() ? 0 : edit_distance(section, other_section);
  const std::size_t from_key = distance(key, other_key);
  if (section.empty() || other_section.empty()) {
    return std::min(slips(word, candidate), section.empty() ? from_key : kFar);
  }
  const std::size_t from_section = section == other_section ? 0 : slips(section, other_section);
  return from_key == kFar || from_section == kFar ? kFar : from_key + from_section;
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  const std::string name = plain(word.substr(0, kLongest));
  std::vector<std::string_view> keys = {key_of(name)};
  for (const auto& [elsewhere, here] : kElsewhere) {
    if (keys.front() == elsewhere) keys.push_back(here);
  }
  std::vector<std::string> best;
  std::size_t best_distance = kFar;
  for (const std::string& candidate : candidates) {
    std::size_t found = kFar;
    for (const std::string_view key : keys) {
      found = std::min(found, distance_of_names(name, key, plain(candidate)));
    }
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
