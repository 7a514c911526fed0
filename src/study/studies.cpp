#include "study/studies.hpp"

#include "core/named.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep {

const std::vector<Study>& studies() {
  static const std::vector<Study> all = {optimizers_study(), learning_rate_study(), cross_validation_study(),
                                         importance_study(), batch_size_study(),    scaling_study(),
                                         plan_study(),       batch_regimes_study(), weight_decay_study(),
                                         adam_decay_study(), dropout_study(),       surfaces_study()};
  return all;
}

const Study& find_study(const std::string& name) {
  const Study* const found = find_named(studies(), name);
  if (found == nullptr) {
    const std::vector<std::string> names = names_of(studies());
    fail_input("study '{}': unknown; known are: {}{}", name, join(names), suggestion(name, names));
  }
  return *found;
}

std::vector<Method> methods() {
  std::vector<Method> all;
  for (const Algorithm& algorithm : algorithms()) {
    all.push_back({algorithm.name, &algorithm, {}});
    if (algorithm.name != "sgd") continue;
    all.push_back({"momentum", &algorithm, {{"momentum", 0.9}}});
    all.push_back({"nesterov", &algorithm, {{"momentum", 0.9}, {"nesterov", 1}}});
  }
  return all;
}

std::map<std::string, std::string> without_dropout(const Config& config) {
  return {{"model.layers", outline_network(config).text_without_random_units()}, {"model.block", ""}};
}

StudyOption seeds_option(const std::string& default_value) {
  return {"seeds", default_value, "trainings of each kind, with seeds counted up"};
}

StudyOption evaluations_option() { return {"evaluations", "20", "measurements of each training"}; }

StudyOption rates_option(const std::string& default_value) {
  return {"rates", default_value, "most learning rates to try for each"};
}

}  // namespace lockstep
