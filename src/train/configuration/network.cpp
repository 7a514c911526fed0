#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/train/problem.hpp"
#include "train/evaluation/weights_names.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Errors: parameters from `file` that are not finite.
void check_finite(const Network& model, const std::string& file) {
  for_each_tensor(model, [&](const ParameterTensor& tensor, std::span<const Real> values) {
    const auto bad = std::find_if(values.begin(), values.end(), [](Real v) { return !std::isfinite(v); });
    if (bad == values.end()) return;
    fail_input(
        "{}: {} holds {} as {}; weights have to be finite; give those of a training that did not diverge",
        file, tensor.name, std::isnan(*bad) ? "nan" : "inf", kRealName);
  });
}

/// Calls `action`, whose errors are about the network's text, and says so in them.
template <typename Action>
void about_layers(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("model.layers: {}", error.what()));
  }
}

Network add_units(Network network, const Config& config, const FromData& data) {
  about_layers([&] { add_from_text(network, config.model.layers, config.model.blocks, data); });
  return network;
}

}  // namespace

void check_outputs(const Network& network, const DatasetDescription& data) {
  const Index expected = data.outputs();
  if (network.outputs() == expected) return;
  fail_input(
      "the last unit gives {}, {} has {}; end the network with 'linear {}', or 'linear auto'",
      count_of(network.outputs(), "output"), data.name,
      data.task == Task::kClassification ? fmt::format("{} classes", expected) : count_of(expected, "target"),
      expected);
}

Network outline_network(const Config& config, const FromData& data) {
  return add_units(Network(), config, data);
}

Network make_network(const Config& config, const DatasetDescription& data) {
  return add_units(Network(shape_of(data)), config, from_data(data));
}

Network make_model(const Config& config, const Problem& problem) {
  Network model = make_network(config, problem.training.description());
  about_layers([&] { check_outputs(model, problem.training.description()); });
  if (config.model.init.empty()) return model;
  const std::string file = weights_file(config.model.init).string();
  const StoredTensors weights = read_safetensors(file);
  check_names_of_init(weights, problem.training.description(), file);
  set_parameters(model, weights, file);
  check_finite(model, file);
  const std::string unused = left_out(model.layout(), weights);
  if (!unused.empty()) {
    log::warn_once(fmt::format("lockstep: {}: {} is left out; the rest are the weights", file, unused));
  }
  return model;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
