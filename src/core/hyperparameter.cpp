#include "lockstep/core/hyperparameter.hpp"

namespace lockstep {

Hyperparameters with_defaults(const std::vector<Hyperparameter>& own, const Hyperparameters& given) {
  Hyperparameters values;
  for (const Hyperparameter& h : own) {
    const auto value = given.find(h.name);
    values[h.name] = value == given.end() ? h.default_value : value->second;
  }
  return values;
}

}  // namespace lockstep
