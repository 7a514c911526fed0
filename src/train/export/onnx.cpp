#include "train/export/onnx.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "lockstep/nn/weights.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::string cast(OperatorGraph& graph, const std::string& x, std::int64_t type) {
  return graph.add("Cast", {x}, {{"to", type}});
}

/// The axes of a picture, from the first to the last, with the last two in each other's place.
template <typename Number>
std::vector<Number> with_last_swapped(std::vector<Number> axes) {
  std::swap(axes[axes.size() - 2], axes.back());
  return axes;
}

std::string transpose_pictures(OperatorGraph& graph, const std::string& x, std::size_t axes) {
  std::vector<std::int64_t> order;
  for (std::size_t axis = 0; axis <= axes; ++axis) order.push_back(static_cast<std::int64_t>(axis));
  return graph.add("Transpose", {x}, {{"perm", with_last_swapped(std::move(order))}});
}

/// A list of a normalisation's numbers for samples of `shape`, of whose pictures it has the channels last.
std::string pairs(OperatorGraph& graph, const std::vector<double>& list, const std::vector<Index>& shape) {
  constexpr std::size_t kAxes = 3;
  if (list.size() == 1) return graph.constant({}, list);
  if (shape.size() != kAxes) return graph.constant(shape, list);
  const std::size_t channels = static_cast<std::size_t>(shape[0]);
  const std::size_t pixels = list.size() / channels;
  std::vector<double> values;
  for (std::size_t i = 0; i < list.size(); ++i) values.push_back(list[i % pixels * channels + i / pixels]);
  if (pixels == 1) return graph.constant({shape[0], 1, 1}, std::move(values));
  return graph.constant(shape, std::move(values));
}

/// What the network sees of the input `x`. As in training, the difference is taken in double, which columns
/// far from 0 need.
std::string add_normalization(OperatorGraph& graph, const SavedModel& saved, std::string x) {
  const auto& [shift, scale, missing] = saved.normalization.features;
  const std::vector<Index>& shape = saved.data.feature_shape;
  if (saved.data.transposed) x = transpose_pictures(graph, x, shape.size());
  const bool is_double = !saved.data.units.empty();
  if (!shift.empty()) {
    if (!is_double) x = cast(graph, x, OperatorGraph::kDouble);
    x = graph.add("Sub", {x, pairs(graph, shift, shape)});
    x = graph.add("Mul", {x, pairs(graph, scale, shape)});
  }
  if (!shift.empty() || is_double) x = cast(graph, x, OperatorGraph::kFloat);
  if (missing.empty()) return x;
  std::string known = graph.constant(shape, std::vector<float>(missing.begin(), missing.end()));
  return graph.add("Where", {graph.add("IsNaN", {x}), std::move(known), x});
}

/// The outputs `y` as values in the units of the file.
std::string add_values(OperatorGraph& graph, const Normalization& targets, std::string y) {
  if (targets.shift.empty()) return graph.add("Identity", {y});
  const Index count = std::ssize(targets.shift);
  std::vector<double> units;
  for (const double scale : targets.scale) units.push_back(scale == 0 ? 0 : 1 / scale);
  y = graph.add("Mul", {cast(graph, y, OperatorGraph::kDouble), graph.constant({count}, std::move(units))});
  y = graph.add("Add", {y, graph.constant({count}, targets.shift)});
  return cast(graph, y, OperatorGraph::kFloat);
}

std::string add_probabilities(OperatorGraph& graph, Task task, const std::string& y) {
  if (task == Task::kMultiLabel) return graph.add("Sigmoid", {y});
  return graph.add("Softmax", {y}, {{"axis", std::int64_t{-1}}});
}

/// Adds what makes the outputs `y` what `predict` writes, and returns the name of that.
std::string add_answer(OperatorGraph& graph, const SavedModel& saved, const std::string& y) {
  if (saved.data.task == Task::kRegression) {
    add_values(graph, saved.normalization.targets, y);
    return "values";
  }
  if (saved.loss->has_probabilities()) {
    add_probabilities(graph, saved.data.task, y);
    return "probabilities";
  }
  graph.add("Identity", {y});
  return "scores";
}

std::map<std::string, std::string> metadata_of(const SavedModel& saved) {
  const DatasetDescription& data = saved.data;
  std::map<std::string, std::string> metadata = {{"layers", saved.model.text()},
                                                 {"task", task_name(data.task)},
                                                 {"weights_digest", weights_digest(saved.model)}};
  const auto add = [&](const std::string& key, const std::vector<std::string>& names) {
    if (!names.empty()) metadata[key] = json_text(nlohmann::json(names));
  };
  add("classes", data.class_names);
  add("targets", data.target_names);
  add("features", data.feature_names);
  return metadata;
}

}  // namespace

OnnxModel to_onnx(const SavedModel& saved) {
  const DatasetDescription& data = saved.data;
  OnnxModel model{.input = {.name = "input",
                            .type = data.units.empty() ? OperatorGraph::kFloat : OperatorGraph::kDouble,
                            .axes = data.feature_shape},
                  .metadata = metadata_of(saved)};
  if (data.transposed) model.input.axes = with_last_swapped(model.input.axes);
  OperatorGraph& graph = model.graph;
  graph.set_prefix("input.");
  const std::string x = add_normalization(graph, saved, model.input.name);
  const std::string y = saved.model.add_operators(graph, x);
  graph.set_prefix("output.");
  model.output = {.name = add_answer(graph, saved, y), .axes = saved.model.output().axes()};
  graph.name_last(model.output.name);
  return model;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
