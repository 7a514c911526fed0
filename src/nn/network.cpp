#include "lockstep/nn/network.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/network_text.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

MatrixView view(std::vector<Real>& storage, Index rows, Index columns) {
  const auto size = static_cast<std::size_t>(rows * columns);
  if (storage.size() < size) storage.resize(size);
  return {storage.data(), rows, columns};
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

Index Network::rows_at_once() const {
  // What a thread works on, and with it, in most processors, its part of the last cache.
  constexpr Index kBytesOfThread = Index{32} << 20U;
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
  const auto bytes_of_row = (values + places * widest) * static_cast<Index>(sizeof(Real));
  return std::max<Index>(1, threads() * kBytesOfThread / bytes_of_row);
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

ConstMatrixView Network::evaluate(std::span<const Index> samples, ConstMatrixView x) {
  const MatrixView answers = view(answers_, x.rows(), outputs());
  const Index most = rows_at_once();
  for (Index first = 0; first < x.rows(); first += most) {
    const Index count = std::min(most, x.rows() - first);
    const MicroBatchRows all{0, 0, count};
    const RowBlock block{
        .micro_batches = {&all, 1},
        .samples = samples.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count))};
    rows(answers, first, count) = forward(block, rows(x, first, count));
  }
  return read_only(answers);
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
