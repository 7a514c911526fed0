#include "lockstep/nn/network_text.hpp"

#include <algorithm>
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
#include "nn/network_items.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

using Item = NetworkItem;

// As kDeepest; it should not take all memory either.
constexpr std::size_t kMostUnits = std::size_t{1} << 16U;

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
  if (is_unit || is_before_brackets(block.name) || block.name == "x" || !is_name(block.name)) {
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
  block.items = parse_items(text.substr(colon + 1));
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
      case Item::Kind::kRecompute:
        network_.recompute([&](Network&) { add(item.items); }, label);
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
  builder.add(parse_items(trim(text)));
  builder.check_all_used();
  if (!network.learns()) fail_input("{}: nothing to train; add a 'linear N'", trim(text));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
