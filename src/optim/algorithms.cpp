#include <utility>

#include "core/named.hpp"
#include "core/registry.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::deque<Algorithm>& all_algorithms() {
  static std::deque<Algorithm> all = {sgd_algorithm(),
                                      adagrad_algorithm(),
                                      rmsprop_algorithm(),
                                      adam_algorithm(),
                                      adamw_algorithm(),
                                      lion_algorithm(),
                                      lars_algorithm(),
                                      lamb_algorithm(),
                                      muon_algorithm(),
                                      newton_algorithm(),
                                      sam_algorithm(sgd_algorithm()),
                                      sam_algorithm(adamw_algorithm())};
  return all;
}

}  // namespace

const std::deque<Algorithm>& algorithms() { return all_algorithms(); }

void register_algorithm(Algorithm algorithm) {
  check_new_name(algorithms(), algorithm.name, "an optimizer");
  all_algorithms().push_back(std::move(algorithm));
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
    fail_input("optimizer '{}': unknown; expected one of: {}", name, join(names_of(algorithms())));
  }
  return *found;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
