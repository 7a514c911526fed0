#include <algorithm>

#include "lockstep/core/error.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep {

const std::vector<Algorithm>& algorithms() {
  static const std::vector<Algorithm> all = {sgd(), adamw()};
  return all;
}

const Algorithm& find_algorithm(const std::string& name) {
  const auto& all = algorithms();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Algorithm& a) { return a.name == name; });
  if (found == all.end()) {
    std::vector<std::string> names;
    for (const Algorithm& algorithm : all) names.push_back(algorithm.name);
    fail_input("optimizer.name = {}: unknown; expected one of: {}", name, join(names));
  }
  return *found;
}

}  // namespace lockstep
