#include "lockstep/nn/network.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/network_text.hpp"
#include "nn/elementwise.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

MatrixView view(std::vector<Real>& storage, Index rows, Index columns) {
  const auto size = static_cast<std::size_t>(rows * columns);
  if (storage.size() < size) storage.resize(size);
  return {storage.data(), rows, columns};
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

ConstMatrixView Network::value_of(std::size_t source, ConstMatrixView x) const {
  return source == kInput ? x : output_of(source, x.rows());
}

Inputs Network::inputs_of(std::size_t i, ConstMatrixView x, Rows some, Views& views) const {
  views.inputs.clear();
  for (const std::size_t source : nodes_[i].sources) {
    views.inputs.push_back(rows(value_of(source, x), some.first, some.count));
  }
  return views.inputs;
}

/// Without rows there is only to take part in sums over the batch.
bool Network::works_on(const RowBlock& block, const Node& node) {
  return block.rows() > 0 || (block.training && node.unit->needs_whole_batch());
}

/// The node after those that compute with the rows of `leader`.
std::size_t Network::next_leader(std::size_t leader) const {
  std::size_t next = leader + 1;
  while (next < nodes_.size() && plan_.leaders[next] == leader) ++next;
  return next;
}

void Network::forward_of(const RowBlock& block, std::size_t i, ConstMatrixView x, Rows some, Views& views) {
  const MatrixView y(nodes_[plan_.homes[i]].values.data(), x.rows(), nodes_[i].output->size());
  nodes_[i].unit->forward(block, inputs_of(i, x, some, views), rows(y, some.first, some.count));
}

ConstMatrixView Network::forward(const RowBlock& block, ConstMatrixView x) {
  LOCKSTEP_CHECK(x.rows() == block.rows() && x.cols() == inputs());
  if (plan_.homes.empty() || plan_.keeps_outputs != block.keeps_outputs) {
    plan_ = make_plan(block.keeps_outputs);
  }
  forward_through(block, x, 0, nodes_.size());
  return value_of(last_, x);
}

/// Nodes [first, end).
void Network::forward_through(const RowBlock& block, ConstMatrixView x, std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end;) {
    const std::size_t leader = i;
    const std::size_t next = next_leader(leader);
    const auto follow = [&](Index first_row, Index count) {
      thread_local Views views;
      RowBlock some = block;
      some.first_row = first_row;
      for (std::size_t k = leader + 1; k < next; ++k) forward_of(some, k, x, {first_row, count}, views);
    };
    const Node& node = nodes_[leader];
    for (std::size_t k = leader; k < next; ++k) {
      view(nodes_[plan_.homes[k]].values, x.rows(), nodes_[k].output->size());
      nodes_[k].unit->prepare(block);
    }
    i = next;
    if (!works_on(block, node)) continue;
    const RowWork work = std::ref(follow);
    RowBlock by_rows = block;
    if (next > leader + 1) by_rows.after = &work;
    forward_of(by_rows, leader, x, {0, x.rows()}, views_);
    if (observer_) observer_(*node.unit, Pass::kForward);
  }
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

/// That by the output of `source`.
MatrixView Network::gradient_at(std::size_t place, Index rows, std::size_t source) {
  return {gradients_[place].data(), rows, shape_of(source).size()};
}

MatrixView Network::output_gradient(Index rows) {
  LOCKSTEP_CHECK(!plan_.sizes.empty());  // by forward
  if (gradients_.size() < plan_.sizes.size()) gradients_.resize(plan_.sizes.size());
  for (std::size_t place = 0; place < plan_.sizes.size(); ++place)
    view(gradients_[place], rows, plan_.sizes[place]);
  return gradient_at(plan_.places[last_], rows, last_);
}

void Network::backward_of(const RowBlock& block, std::size_t i, ConstMatrixView x, Rows some, Views& views,
                          GradientSink& sink) {
  const Node& node = nodes_[i];
  const auto own = [&](MatrixView of_all) { return rows(of_all, some.first, some.count); };
  views.by_inputs.clear();
  for (std::size_t k = 0; k < node.sources.size(); ++k) {
    const std::size_t source = node.sources[k];
    const MatrixView place = gradient_at(plan_.by_inputs[i][k], x.rows(), source);
    views.by_inputs.push_back(source == kInput ? rows(place, 0, 0) : own(place));
  }
  const MatrixView dy = gradient_at(plan_.places[i], x.rows(), i);
  node.unit->backward(block, inputs_of(i, x, some, views),
                      rows(output_of(i, x.rows()), some.first, some.count), read_only(own(dy)),
                      views.by_inputs, sink);
}

/// Those by inputs of node `i` that other nodes took in as well.
void Network::add_gradients_of(std::size_t i, Index all_rows, Rows some) {
  const Node& node = nodes_[i];
  for (std::size_t k = 0; k < node.sources.size(); ++k) {
    if (!plan_.adds[i][k]) continue;
    const std::size_t source = node.sources[k];
    MatrixView total = rows(gradient_at(plan_.places[source], all_rows, source), some.first, some.count);
    const MatrixView own = rows(gradient_at(plan_.by_inputs[i][k], all_rows, source), some.first, some.count);
    for_each_part(some.count, [&](Index row) {
      Real* const sums = total.row(row).data();
      add_each(sums, own.row(row).data(), sums, own.cols());
    });
  }
}

bool Network::is_last_of_segment(std::size_t i) const {
  const std::optional<std::size_t>& segment = nodes_[i].segment;
  return segment && segments_[*segment].last == i;
}

void Network::backward(const RowBlock& block, ConstMatrixView x, GradientSink& sink) {
  LOCKSTEP_CHECK(!gradients_.empty());  // by output_gradient
  const auto adds = [&](std::size_t i) {
    return std::ranges::find(plan_.adds[i], true) != plan_.adds[i].end();
  };
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    if (is_last_of_segment(i) && !plan_.keeps_outputs) {
      forward_through(block, x, segments_[*nodes_[i].segment].first, i + 1);
    }
    const std::size_t leader = plan_.leaders[i];
    const std::size_t last = std::exchange(i, leader);
    const Node& node = nodes_[leader];
    if (!works_on(block, node)) continue;
    const auto come_first = [&](Index first, Index count) {
      thread_local Views views;
      RowBlock some = block;
      some.first_row = first;
      for (std::size_t k = last; k > leader; --k) {
        backward_of(some, k, x, {first, count}, views, sink);
        add_gradients_of(k, x.rows(), {first, count});
      }
    };
    const auto add = [&](Index first, Index count) { add_gradients_of(leader, x.rows(), {first, count}); };
    const RowWork before = std::ref(come_first);
    const RowWork after = std::ref(add);
    RowBlock by_rows = block;
    if (last > leader) by_rows.before = &before;
    if (adds(leader) && node.unit->goes_by_rows()) by_rows.after = &after;
    backward_of(by_rows, leader, x, {0, x.rows()}, views_, sink);
    if (adds(leader) && !node.unit->goes_by_rows()) add(0, x.rows());
    if (observer_) observer_(*node.unit, Pass::kBackward);
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
