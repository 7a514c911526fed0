// What a network is made of: units added in groups, residuals and branches, their names, and its text.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/units.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Errors: numbers of categories for a unit that computes with real numbers, or the other way round.
void check_kind(const Unit& unit, std::span<const Shape> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool takes_categories = unit.takes_categories(i);
    if ((inputs[i].categories() > 0) == takes_categories) continue;
    if (takes_categories) {
      fail_input(
          "expected numbers of categories, not real numbers; leave it out, or put 'embed-categories DIM' in "
          "its place if they are columns of a table");
    }
    fail_input("expected real numbers; put 'embedding WIDTH' before it");
  }
}

}  // namespace

Network& Network::add(std::unique_ptr<Unit> unit, const std::string& label) {
  add_node(std::move(unit), {last_}, new_path(label));
  place_.items.push_back({.kind = Item::Kind::kUnit, .label = label, .unit = last_});
  return *this;
}

Network& Network::group(const Part& inner, const std::string& label) {
  const std::string path = new_path(label);
  std::vector<Item> items = add_inside(inner, path + ".", "a group");
  place_.items.push_back({.kind = Item::Kind::kGroup, .label = label, .items = std::move(items)});
  return *this;
}

Network& Network::recompute(const Part& inner, const std::string& label) {
  if (open_segment_) fail_input("'recompute(…)' inside of another; leave one out");
  open_segment_ = segments_.size();
  segments_.push_back({nodes_.size(), nodes_.size()});
  group(inner, label);
  segments_.back().last = nodes_.size() - 1;
  open_segment_.reset();
  place_.items.back().kind = Item::Kind::kRecompute;
  return *this;
}

Network& Network::residual(const Part& branch, const Part& skip, const std::string& label) {
  const std::string path = new_path(label);
  const std::size_t from = last_;
  std::vector<Item> items = add_inside(branch, path + ".", "a residual");
  const std::size_t end_of_branch = std::exchange(last_, from);
  std::vector<Item> skips;
  if (skip) skips = add_inside(skip, path + ".skip.", "a skip");
  add_node(sum(), {end_of_branch, last_}, path);
  place_.items.push_back(
      {.kind = Item::Kind::kResidual, .label = label, .items = std::move(items), .skip = std::move(skips)});
  return *this;
}

Network& Network::concat_branches(const std::vector<Branch>& branches, const std::string& label) {
  return join_branches(Item::Kind::kConcat, concat(), branches, label);
}

Network& Network::add_branches(const std::vector<Branch>& branches, const std::string& label) {
  return join_branches(Item::Kind::kAdd, sum(), branches, label);
}

Network& Network::join_branches(Item::Kind kind, std::unique_ptr<Unit> joint,
                                const std::vector<Branch>& branches, const std::string& label) {
  if (branches.size() < 2) fail_input("{} branches; expected at least two", branches.size());
  const std::string path = new_path(label);
  const std::size_t from = last_;
  std::vector<std::size_t> ends;
  const auto add_all = [&](Network&) {
    for (const Branch& branch : branches) {
      last_ = from;
      group(branch.units, branch.label);
      ends.push_back(last_);
    }
  };
  std::vector<Item> items = add_inside(add_all, path + ".", "branches");
  add_node(std::move(joint), std::move(ends), path);
  place_.items.push_back({.kind = kind, .label = label, .items = std::move(items)});
  return *this;
}

/// What `part` adds below `prefix`. Errors: nothing.
std::vector<Network::Item> Network::add_inside(const Part& part, const std::string& prefix,
                                               const std::string& what) {
  Place outside = std::exchange(place_, {place_.prefix + prefix});
  part(*this);
  Place inside = std::exchange(place_, std::move(outside));
  if (inside.items.empty()) fail_input("{} without units; add one", what);
  return std::move(inside.items);
}

/// The name of what is added next, inside its group: its label or its position.
std::string Network::new_path(const std::string& label) const {
  if (label.empty()) return std::to_string(place_.items.size());
  const bool is_taken = std::any_of(place_.items.begin(), place_.items.end(),
                                    [&](const Item& item) { return item.label == label; });
  if (!is_name(label) || label == "skip" || label.find('-') != std::string::npos) {
    fail_input("label '{}': expected a word of letters, digits and '_', other than skip", label);
  }
  if (is_taken) fail_input("label '{}' is given twice in one group; rename one", label);
  return label;
}

void Network::add_node(std::unique_ptr<Unit> unit, std::vector<std::size_t> sources,
                       const std::string& path) {
  Node node{.unit = std::move(unit),
            .sources = std::move(sources),
            .path = place_.prefix + path,
            .segment = open_segment_};
  if (sample_) connect(node);
  last_ = nodes_.size();
  nodes_.push_back(std::move(node));
  own_parameters_ = {};
  parameters_ = {};
  plan_ = {};
}

/// Fits the node that comes next to its sources.
void Network::connect(Node& node) {
  std::vector<Shape> inputs;
  std::string shapes;
  for (const std::size_t source : node.sources) {
    inputs.push_back(shape_of(source));
    shapes += (shapes.empty() ? "" : " and ") + to_text(inputs.back());
  }
  try {
    check_kind(*node.unit, inputs);
    node.output = node.unit->connect(inputs);
    node.range.offset = layout_.size();
    for (const TensorSpec& tensor : node.unit->tensors()) {
      node.range.size += layout_.add(nodes_.size(), node.path + "." + tensor.name, tensor).size;
    }
    node.unit->place(nodes_.size(), node.range);
    connect_statistics(node);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{} ({}), whose input is {}: {}", node.path, node.unit->text(),
                                          shapes, error.what()));
  }
}

std::string Network::text_of(const std::vector<Item>& items, const std::string& in_place_of_random) const {
  std::vector<std::string> each(items.size());
  std::transform(items.begin(), items.end(), each.begin(),
                 [&](const Item& item) { return text_of(item, in_place_of_random); });
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < items.size();) {
    std::size_t next = i + 1;
    if (items[i].kind != Item::Kind::kUnit && items[i].label.empty()) {
      while (next < items.size() && each[next] == each[i]) ++next;
    }
    texts.push_back(next - i == 1 ? each[i] : fmt::format("{} x {}", next - i, each[i]));
    i = next;
  }
  return join(texts);
}

std::string Network::text_of(const Item& item, const std::string& in_place_of_random) const {
  std::string text = item.label.empty() ? "" : item.label + ": ";
  switch (item.kind) {
    case Item::Kind::kUnit: {
      const Unit& one = unit(item.unit);
      return text + (one.is_random() && !in_place_of_random.empty() ? in_place_of_random : one.text());
    }
    case Item::Kind::kRecompute:
      text += "recompute";
      [[fallthrough]];
    case Item::Kind::kGroup:
      return text + "(" + text_of(item.items, in_place_of_random) + ")";
    case Item::Kind::kResidual:
      text += "residual(" + text_of(item.items, in_place_of_random);
      if (!item.skip.empty()) text += ", skip(" + text_of(item.skip, in_place_of_random) + ")";
      return text + ")";
    case Item::Kind::kConcat:
    case Item::Kind::kAdd:
      break;
  }
  std::vector<std::string> branches;
  for (const Item& branch : item.items) branches.push_back(text_of(branch, in_place_of_random));
  return fmt::format("{}{}({})", text, item.kind == Item::Kind::kConcat ? "concat" : "add", join(branches));
}

std::string Network::text_without_random_units() const { return text_of(place_.items, identity()->text()); }

}  // namespace lockstep::inline LOCKSTEP_REAL
