#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

/// So many brackets, and groups, may stand inside each other: far more than networks need; text that asks for
/// more is a slip.
inline constexpr int kDeepest = 100;

/// An item of a network as it is written; words may still be parameters of a block.
struct NetworkItem {
  enum class Kind { kWords, kGroup, kRecompute, kResidual, kSkip, kConcat, kAdd };
  Kind kind = Kind::kWords;
  std::string label = {};
  std::string repeat = {};  // empty: once
  std::vector<std::string> words = {};
  std::vector<NetworkItem> items = {};
  std::vector<NetworkItem> skip = {};
};

/// Whether `word` says what brackets after it mean: "residual".
bool is_before_brackets(const std::string& word);

/// The items of a network's text, or of a block's. Errors: text that is none, with the place.
std::vector<NetworkItem> parse_items(std::string_view text);

}  // namespace lockstep
