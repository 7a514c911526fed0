// What a network and its units compute outside of training, in the operators of ONNX.

#include <algorithm>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/operator_graph.hpp"
#include "lockstep/nn/weights.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

std::string Unit::add_operators(OperatorGraph& /*graph*/, std::span<const GraphValue> /*x*/) const {
  fail_input("this unit has no form in ONNX");
}

std::string Network::add_operators(OperatorGraph& graph, const std::string& input) const {
  for_each_tensor(*this, [&](const ParameterTensor& tensor, std::span<const Real> values) {
    graph.add_named({tensor.name, tensor.shape, std::vector<float>(values.begin(), values.end())});
  });
  std::vector<std::string> names(nodes_.size());
  const auto name_of = [&](std::size_t source) { return source == kInput ? input : names[source]; };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::vector<GraphValue> x;
    for (const std::size_t source : nodes_[i].sources) x.push_back({name_of(source), shape_of(source)});
    graph.set_prefix(nodes_[i].path + ".");
    try {
      names[i] = nodes_[i].unit->add_operators(graph, x);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", name_of_unit(i), error.what()));
    }
  }
  graph.set_prefix("");
  return name_of(last_);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
