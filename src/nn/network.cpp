#include "lockstep/nn/network.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/network_text.hpp"
#include "lockstep/nn/units.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

MatrixView view(std::vector<Real>& storage, Index rows, Index columns) {
  const auto size = static_cast<std::size_t>(rows * columns);
  if (storage.size() < size) storage.resize(size);
  return {storage.data(), rows, columns};
}

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

/// total += values. Each row by one thread.
void add_to(MatrixView total, ConstMatrixView values) {
  for_each_part(total.rows(), [&](Index row) { total.row(row) += values.row(row); });
}

}  // namespace

Network::Network(Shape sample) : sample_(std::move(sample)) {}

Network::Network(const std::string& text, Shape sample, const std::string& blocks)
    : Network(std::move(sample)) {
  add_from_text(*this, text, blocks);
  parameters();
}

ParameterLayout layout_of(const std::string& text, const Shape& sample, const std::string& blocks) {
  Network network(sample);
  add_from_text(network, text, blocks);
  return network.layout();
}

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
  Node node{.unit = std::move(unit), .sources = std::move(sources), .path = place_.prefix + path};
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

const Shape& Network::shape_of(std::size_t source) const {
  return source == kInput ? *sample_ : *nodes_[source].output;
}

bool Network::learns() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const Node& node) { return !node.unit->tensors().empty(); });
}

bool Network::mixes_samples() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const Node& node) { return node.unit->mixes_samples(); });
}

bool Network::needs_whole_batch() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const Node& node) { return node.unit->needs_whole_batch(); });
}

std::string Network::name_of_unit(std::size_t i) const {
  return fmt::format("{} ({})", nodes_[i].path, nodes_[i].unit->text());
}

std::span<Real> Network::parameters() {
  const auto size = static_cast<std::size_t>(layout_.size());
  if (parameters_.size() != size) {
    own_parameters_.assign(size, 0);
    bind(own_parameters_);
  }
  return parameters_;
}

void Network::bind(std::span<Real> parameters) {
  parameters_ = parameters;
  if (std::ssize(statistics_) != statistics_layout_.size()) start_statistics();
  for (const Node& node : nodes_) {
    node.unit->bind(parameters_.data() + node.range.offset);
    node.unit->bind_statistics(statistics_.data() + node.statistics.offset);
  }
}

void Network::use(std::span<Real> memory) {
  LOCKSTEP_CHECK(static_cast<Index>(memory.size()) == layout_.size());
  bind(memory);
  own_parameters_ = {};
}

Index Network::values_per_row() const {
  // Gradients of a chain alternate between two places; branches have one more each until they meet.
  constexpr Index kPlaces = 2;
  Index values = 0;
  Index widest = inputs();
  Index places = kPlaces;
  for (const Node& node : nodes_) {
    values += node.output->size();
    widest = std::max(widest, node.output->size());
    places += std::ssize(node.sources) - 1;
  }
  return values + places * widest;
}

ConstMatrixView Network::value_of(std::size_t source, ConstMatrixView x) const {
  return source == kInput ? x : output_of(source, x.rows());
}

Inputs Network::inputs_of(const Node& node, ConstMatrixView x) {
  inputs_.clear();
  for (const std::size_t source : node.sources) inputs_.push_back(value_of(source, x));
  return inputs_;
}

/// Without rows there is only to take part in sums over the batch.
bool Network::works_on(const RowBlock& block, const Node& node) {
  return block.rows() > 0 || (block.training && node.unit->needs_whole_batch());
}

ConstMatrixView Network::forward(const RowBlock& block, ConstMatrixView x) {
  LOCKSTEP_CHECK(x.rows() == block.rows() && x.cols() == inputs());
  for (Node& node : nodes_) {
    const MatrixView y = view(node.values, x.rows(), node.output->size());
    if (!works_on(block, node)) continue;
    node.unit->forward(block, inputs_of(node, x), y);
    if (observer_) observer_(*node.unit, Pass::kForward);
  }
  return value_of(last_, x);
}

/// From the last node to the first: each writes the gradients by its inputs where nothing else is kept, and
/// its own is free then. What several nodes take in is written by the last of them, and the others add
/// theirs.
void Network::plan_gradients() {
  constexpr auto kNone = static_cast<std::size_t>(-1);
  plan_ = {.places = std::vector<std::size_t>(nodes_.size(), kNone),
           .by_inputs = std::vector<std::vector<std::size_t>>(nodes_.size()),
           .adds = std::vector<std::vector<bool>>(nodes_.size())};
  std::vector<std::size_t> free;
  const auto take = [&] {
    if (free.empty()) return plan_.count++;
    const std::size_t place = free.back();
    free.pop_back();
    return place;
  };
  plan_.places[last_] = take();
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    std::vector<std::size_t> only_added;
    for (const std::size_t source : nodes_[i].sources) {
      const bool adds = source != kInput && plan_.places[source] != kNone;
      const std::size_t place = take();
      if (source == kInput || adds) only_added.push_back(place);
      if (source != kInput && !adds) plan_.places[source] = place;
      plan_.by_inputs[i].push_back(place);
      plan_.adds[i].push_back(adds);
    }
    free.insert(free.end(), only_added.begin(), only_added.end());
    free.push_back(plan_.places[i]);
  }
  gradients_.resize(std::max(gradients_.size(), plan_.count));
}

MatrixView Network::gradient_place(std::size_t place, Index rows, Index columns) {
  return view(gradients_[place], rows, columns);
}

MatrixView Network::output_gradient(Index rows) {
  if (plan_.count == 0) plan_gradients();
  return gradient_place(plan_.places[last_], rows, outputs());
}

void Network::backward(const RowBlock& block, ConstMatrixView x, GradientSink& sink) {
  LOCKSTEP_CHECK(plan_.count > 0);  // by output_gradient
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    const Node& node = nodes_[i];
    if (!works_on(block, node)) continue;
    const Inputs inputs = inputs_of(node, x);
    input_gradients_.clear();
    for (std::size_t k = 0; k < node.sources.size(); ++k) {
      const std::size_t source = node.sources[k];
      input_gradients_.push_back(
          gradient_place(plan_.by_inputs[i][k], source == kInput ? 0 : x.rows(), shape_of(source).size()));
    }
    const Index values = node.output->size();
    node.unit->backward(block, inputs, output_of(i, x.rows()),
                        read_only(gradient_place(plan_.places[i], x.rows(), values)), input_gradients_, sink);
    for (std::size_t k = 0; k < node.sources.size(); ++k) {
      if (!plan_.adds[i][k]) continue;
      const std::size_t source = node.sources[k];
      add_to(gradient_place(plan_.places[source], x.rows(), shape_of(source).size()),
             read_only(input_gradients_[k]));
    }
    if (observer_) observer_(*node.unit, Pass::kBackward);
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
