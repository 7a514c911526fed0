#include "lockstep/core/error.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

const std::vector<Algorithm>& algorithms() {
  static const std::vector<Algorithm> all = {sgd(),   adagrad(), rmsprop(),  adam(),
                                             adamw(), lion(),    lars(),     lamb(),
                                             muon(),  newton(),  sam(sgd()), sam(adamw())};
  return all;
}

std::vector<KeptValues> one_per_parameter(const ParameterTensor& tensor,
                                          const std::vector<std::string>& names) {
  std::vector<KeptValues> kept;
  kept.reserve(names.size());
  for (const std::string& name : names) kept.push_back({name, tensor.shape});
  return kept;
}

const Algorithm& find_algorithm(const std::string& name) {
  const Algorithm* const found = find_named(algorithms(), name);
  if (found == nullptr) {
    fail_input("optimizer.name = {}: unknown; expected one of: {}", name, join(names_of(algorithms())));
  }
  return *found;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
