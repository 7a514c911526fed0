#include "lockstep/nn/operator_graph.hpp"

#include <fmt/format.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

std::string OperatorGraph::add(const std::string& type, std::vector<std::string> inputs,
                               Attributes attributes) {
  operators_.push_back({type, std::move(inputs), new_name(type), std::move(attributes)});
  return operators_.back().output;
}

std::string OperatorGraph::reshape(const std::string& x, const std::vector<Index>& axes) {
  std::vector<std::int64_t> shape = {0};  // as many samples as there are
  shape.insert(shape.end(), axes.begin(), axes.end());
  const Index count = std::ssize(shape);
  return add("Reshape", {x, constant({count}, std::move(shape))});
}

std::string OperatorGraph::constant(std::vector<Index> shape, ConstantValues values) {
  constants_.push_back({new_name("constant"), std::move(shape), std::move(values)});
  return constants_.back().name;
}

void OperatorGraph::add_named(Constant constant) {
  LOCKSTEP_CHECK(names_.insert(constant.name).second);
  constants_.push_back(std::move(constant));
}

/// `name` after the prefix, with a number where there is one of that name already.
std::string OperatorGraph::new_name(const std::string& name) {
  std::string candidate = prefix_ + name;
  for (int i = 2; !names_.insert(candidate).second; ++i) candidate = fmt::format("{}{}_{}", prefix_, name, i);
  return candidate;
}

}  // namespace lockstep
