#include "lockstep/core/error.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

const std::vector<Algorithm>& algorithms() {
  static const std::vector<Algorithm> all = {sgd_algorithm(),  adagrad_algorithm(), rmsprop_algorithm(),
                                             adam_algorithm(), adamw_algorithm(),   lion_algorithm(),
                                             lars_algorithm(), lamb_algorithm(),    newton_algorithm()};
  return all;
}

const Algorithm& find_algorithm(const std::string& name) {
  const Algorithm* const found = find_named(algorithms(), name);
  if (found == nullptr) {
    fail_input("optimizer.name = {}: unknown; expected one of: {}", name, join(names_of(algorithms())));
  }
  return *found;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
