#include "nn/network_items.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/ranges.h>

#include "core/named.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

using Item = NetworkItem;

/// What may stand before brackets.
struct Brackets {
  std::string name;
  Item::Kind kind;
};

const Brackets* find_brackets(const std::string& name) {
  static const std::vector<Brackets> all = {{"recompute", Item::Kind::kRecompute},
                                            {"residual", Item::Kind::kResidual},
                                            {"skip", Item::Kind::kSkip},
                                            {"concat", Item::Kind::kConcat},
                                            {"add", Item::Kind::kAdd}};
  return find_named(all, name);
}

/// Reads items from text.
class ItemParser {
 public:
  explicit ItemParser(std::string_view text) : text_(text) {}

  std::vector<Item> whole() {
    std::vector<Item> items = items_until_end();
    if (at_ < text_.size()) fail(text_[at_] == ')' ? "there is no '(' for" : "a comma is missing before");
    return items;
  }

 private:
  std::vector<Item> items_until_end() {
    if (++depth_ > kDeepest) fail_input("more than {} brackets inside each other", kDeepest);
    std::vector<Item> items;
    do items.push_back(item());
    while (take(','));
    --depth_;
    return items;
  }

  Item item() {
    Item item;
    std::vector<std::string> words = words_here();
    if (take(':')) {
      if (words.size() != 1) fail("expected one word, a label, before");
      item.label = words.front();
      words = words_here();
    }
    if (words.size() >= 2 && words[1] == "x") {
      item.repeat = words.front();
      words.erase(words.begin(), words.begin() + 2);
    }
    if (!take('(')) {
      item.words = std::move(words);
      return item;
    }
    item.kind = kind_of_brackets(words);
    item.items = items_until_end();
    if (!take(')')) fail(at_ < text_.size() ? "a comma or ')' is missing before" : "expected ')'");
    if (item.kind == Item::Kind::kResidual && item.items.back().kind == Item::Kind::kSkip) {
      item.skip = std::move(item.items.back().items);
      item.items.pop_back();
    }
    for (const Item& inner : item.items) {
      if (inner.kind == Item::Kind::kSkip) fail("'skip(…)' has to be the last in a residual, before");
    }
    return item;
  }

  Item::Kind kind_of_brackets(const std::vector<std::string>& words) const {
    if (words.empty()) return Item::Kind::kGroup;
    const Brackets* const brackets = find_brackets(words.back());
    if (brackets == nullptr) {
      fail(fmt::format(
               "expected 'residual', 'skip', 'concat', 'add', 'recompute' or nothing, and not '{}', before",
               fmt::join(words, " ")),
           at_ - 1);
    }
    if (words.size() > 1) fail("a comma is missing before", at_ - 1 - words.back().size());
    return brackets->kind;
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  std::vector<std::string> words_here() {
    std::vector<std::string> words;
    while (true) {
      skip_space();
      const std::size_t end = std::min(text_.find_first_of(" \t\r\n,:()", at_), text_.size());
      if (end == at_) return words;
      words.emplace_back(text_.substr(at_, end - at_));
      at_ = end;
    }
  }

  bool take(char sign) {
    skip_space();
    const bool is_here = at_ < text_.size() && text_[at_] == sign;
    at_ += is_here ? 1 : 0;
    return is_here;
  }

  /// `what` is wrong at the place that has been reached.
  [[noreturn]] void fail(std::string_view what) const { fail(what, at_); }
  [[noreturn]] void fail(std::string_view what, std::size_t at) const {
    if (at >= text_.size()) fail_input("'{}': {} at the end", text_, what);
    fail_input("'{}': {} '{}'", text_, what, text_.substr(at));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

bool is_before_brackets(const std::string& word) { return find_brackets(word) != nullptr; }

std::vector<NetworkItem> parse_items(std::string_view text) { return ItemParser(text).whole(); }

}  // namespace lockstep
