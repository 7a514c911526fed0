#include "lockstep/nn/network_text.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "core/named.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "nn/missing_commas.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Far more than networks need; text that asks for more is a slip, and should not take all memory.
constexpr std::size_t kMostUnits = std::size_t{1} << 16U;
constexpr int kDeepest = 100;

/// An item of a network as it is written; words may still be parameters of a block.
struct Item {
  enum class Kind { kWords, kGroup, kResidual, kSkip, kConcat, kAdd };
  Kind kind = Kind::kWords;
  std::string label = {};
  std::string repeat = {};  // empty: once
  std::vector<std::string> words = {};
  std::vector<Item> items = {};
  std::vector<Item> skip = {};
};

/// What may stand before brackets.
struct Brackets {
  std::string name;
  Item::Kind kind;
};

const Brackets* find_brackets(const std::string& name) {
  static const std::vector<Brackets> all = {{"residual", Item::Kind::kResidual},
                                            {"skip", Item::Kind::kSkip},
                                            {"concat", Item::Kind::kConcat},
                                            {"add", Item::Kind::kAdd}};
  return find_named(all, name);
}

/// Reads items from text.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

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
      fail(fmt::format("expected 'residual', 'skip', 'concat', 'add' or nothing, and not '{}', before",
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

/// A network with parameters, under a name.
struct Block {
  struct Parameter {
    std::string name;
    std::string default_value;  // empty: has to be given
  };
  std::string name;
  std::vector<Parameter> parameters;
  std::vector<Item> items;
};

/// "name=value", or a word alone, which has no value.
std::pair<std::string, std::string> split_word(const std::string& word) {
  const std::size_t equals = std::min(word.find('='), word.size());
  return {word.substr(0, equals), equals < word.size() ? word.substr(equals + 1) : ""};
}

Block read_block(std::string_view text) {
  const std::size_t colon = text.find(':');
  Block block;
  std::vector<std::string> words;
  for (const std::string_view word : split(text.substr(0, colon), ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  if (colon == std::string_view::npos || words.empty()) {
    fail_input("block '{}': expected a name, parameters and a network, as 'wide n: linear n, relu'", text);
  }
  block.name = words.front();
  const bool is_unit = find_named(unit_forms(), block.name) != nullptr;
  if (is_unit || find_brackets(block.name) != nullptr || block.name == "x" || !is_name(block.name)) {
    fail_input("block '{}': expected a word of letters, digits, '-' and '_' that means nothing else",
               block.name);
  }
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    const auto [name, value] = split_word(*word);
    if (!is_name(name) || find_named(block.parameters, name) != nullptr) {
      fail_input("block '{}': '{}' is no name of a parameter, or one given twice", block.name, *word);
    }
    block.parameters.push_back({name, value});
  }
  block.items = Parser(text.substr(colon + 1)).whole();
  return block;
}

/// Adds items to a network, with the values of the block's parameters in which they stand.
class Builder {
 public:
  Builder(Network& network, const std::vector<Block>& blocks, const FromData& data)
      : network_(network), blocks_(blocks), data_(data) {}

  void add(const std::vector<Item>& items) {
    if (++depth_ > kDeepest) fail_input("more than {} groups inside each other", kDeepest);
    for (const Item& item : items) {
      if (item.repeat.empty()) {
        add_one(item, item.label);
      } else if (item.label.empty()) {
        repeat(item);
      } else {
        network_.group([&](Network&) { repeat(item); }, item.label);
      }
    }
    --depth_;
  }

  /// Errors: a block that has not been used.
  void check_all_used() const {
    for (const Block& block : blocks_) {
      if (!used_.contains(block.name)) fail_input("block '{}' is not used; remove it", block.name);
    }
  }

 private:
  using Values = std::map<std::string, std::string>;

  void repeat(const Item& item) {
    const auto count = parse_integer(with_values(item.repeat));
    if (!count || *count < 1 || *count > static_cast<std::int64_t>(kMostUnits)) {
      fail_input("'{} x': expected a number of times from 1 to {}, as in '3 x linear 64'", item.repeat,
                 kMostUnits);
    }
    for (std::int64_t i = 0; i < *count; ++i) add_one(item, {});
  }

  void add_one(const Item& item, const std::string& label) {
    switch (item.kind) {
      case Item::Kind::kWords:
        return add_words(item.words, label);
      case Item::Kind::kResidual:
        return add_residual(item, label);
      case Item::Kind::kGroup:
        network_.group([&](Network&) { add(item.items); }, label);
        return;
      case Item::Kind::kConcat:
        network_.concat_branches(branches_of(item), label);
        return;
      case Item::Kind::kAdd:
        network_.add_branches(branches_of(item), label);
        return;
      case Item::Kind::kSkip:
        fail_input("'skip(…)' outside of a residual; expected 'residual(…, skip(…))'");
    }
  }

  void add_residual(const Item& item, const std::string& label) {
    const Network::Part skip = [&](Network&) { add(item.skip); };
    network_.residual([&](Network&) { add(item.items); }, item.skip.empty() ? Network::Part() : skip, label);
  }

  /// Errors: items that are neither brackets nor a block.
  std::vector<Network::Branch> branches_of(const Item& item) {
    std::vector<Network::Branch> branches;
    for (const Item& inner : item.items) {
      const Block* const block = block_of(inner.words);
      const bool is_branch = inner.kind == Item::Kind::kGroup || block != nullptr;
      if (!is_branch || !inner.repeat.empty()) {
        const std::string name = item.kind == Item::Kind::kConcat ? "concat" : "add";
        fail_input("'{}(…)': branch {} is not in brackets; expected '{}((conv 8 1), (conv 8 1, relu))'", name,
                   branches.size(), name);
      }
      branches.push_back({[this, &inner, block](Network&) {
                            block == nullptr ? add(inner.items) : add_block(*block, inner.words);
                          },
                          inner.label});
    }
    return branches;
  }

  void add_words(const std::vector<std::string>& written, const std::string& label) {
    if (const Block* const block = block_of(written)) {
      network_.group([&](Network&) { add_block(*block, written); }, label);
      return;
    }
    if (network_.units() >= kMostUnits) fail_input("more than {} units; repeat fewer", kMostUnits);
    network_.add(make_unit(with_data(with_values(written))), label);
  }

  const Block* block_of(const std::vector<std::string>& written) const {
    return written.empty() ? nullptr : find_named(blocks_, with_values(written.front()));
  }

  /// What `block` stands for where it is `written`.
  void add_block(const Block& block, const std::vector<std::string>& written) {
    used_.insert(block.name);
    if (!open_.insert(block.name).second) fail_input("block '{}' is part of itself", block.name);
    Values outside = std::exchange(values_, arguments(block, with_values(written)));
    add(block.items);
    values_ = std::move(outside);
    open_.erase(block.name);
  }

  /// A unit with what its words leave to the data, as far as that is known.
  std::vector<std::string> with_data(std::vector<std::string> words) const {
    if (words.size() > 1 && words.front() == "linear" && words[1] == "auto" && data_.outputs > 0) {
      words[1] = std::to_string(data_.outputs);
    }
    const auto is_place = [](const std::string& word) { return word.starts_with("at="); };
    if (words.empty() || words.front() != "embed-categories" || std::ranges::any_of(words, is_place))
      return words;
    if (!network_.is_at_input()) {
      fail_input("'{}': stands after another unit; put it first, where the features of the data come in",
                 fmt::join(words, " "));
    }
    if (!data_.categories.empty()) words.push_back("at=" + to_text(data_.categories));
    return words;
  }

  /// The values of the block's parameters where `words` call it.
  Values arguments(const Block& block, const std::vector<std::string>& words) const {
    Values values;
    std::size_t next = 0;
    for (auto word = words.begin() + 1; word != words.end(); ++word) {
      auto [name, value] = split_word(*word);
      if (value.empty() && next < block.parameters.size()) {
        value = name;
        name = block.parameters[next++].name;
      }
      if (value.empty() || find_named(block.parameters, name) == nullptr ||
          !values.emplace(name, value).second) {
        refuse(block, words);
      }
    }
    for (const Block::Parameter& parameter : block.parameters) {
      const auto value = values.emplace(parameter.name, parameter.default_value).first;
      if (value->second.empty()) refuse(block, words);
    }
    return values;
  }

  [[noreturn]] void refuse(const Block& block, const std::vector<std::string>& words) const {
    std::vector<std::string> names = names_of(unit_forms());
    for (const Block& known : blocks_) names.push_back(known.name);
    refuse_missing_commas(words, names);
    std::string form = block.name;
    for (const Block::Parameter& parameter : block.parameters) {
      form += parameter.default_value.empty()
                  ? " " + parameter.name
                  : fmt::format(" [{}={}]", parameter.name, parameter.default_value);
    }
    fail_input("'{}': expected '{}'", fmt::join(words, " "), form);
  }

  /// `word`, or what follows its '=', as the value of the parameter that it names, if it names one.
  std::string with_values(const std::string& word) const {
    const auto [name, value] = split_word(word);
    const auto found = values_.find(value.empty() ? name : value);
    if (found == values_.end()) return word;
    return value.empty() ? found->second : name + "=" + found->second;
  }

  std::vector<std::string> with_values(std::vector<std::string> words) const {
    for (std::string& word : words) word = with_values(word);
    return words;
  }

  Network& network_;
  const std::vector<Block>& blocks_;
  const FromData& data_;
  Values values_;
  std::set<std::string> used_;
  std::set<std::string> open_;  // blocks that are being added
  int depth_ = 0;               // of groups
};

}  // namespace

FromData from_data(const DatasetDescription& data) {
  return {.outputs = data.outputs(), .categories = features_of_categories(data.columns)};
}

void add_from_text(Network& network, std::string_view text, std::string_view blocks, const FromData& data) {
  if (trim(text).empty())
    fail_input("there is no unit; expected, for example, 'linear 128, relu, linear 10'");
  std::vector<Block> known;
  if (!trim(blocks).empty()) {
    for (const std::string_view block : split(blocks, ';')) {
      known.push_back(read_block(block));
      if (find_named(known, known.back().name) != &known.back()) {
        fail_input("block '{}' is given twice; remove one", known.back().name);
      }
    }
  }
  Builder builder(network, known, data);
  builder.add(Parser(trim(text)).whole());
  builder.check_all_used();
  if (!network.learns()) fail_input("{}: nothing to train; add a 'linear N'", trim(text));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
