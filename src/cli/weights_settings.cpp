#include "cli/weights_settings.hpp"

#include "lockstep/core/error.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep {

void check_agreement(const StoredTensors& weights, const std::string& file, const Config& config,
                     const GivenValues& given) {
  for (const auto& [key, own] : settings_of(weights)) {
    const auto value = given.find(key);
    if (value == given.end()) continue;
    const std::string& text = value->second.text;
    const bool is_free = key == "model.loss" && text == "auto";
    const bool is_same =
        key == "model.layers" ? outline_network(config).text() == own : is_same_value(text, own);
    if (is_free || is_same) continue;
    fail_input("{} = {} ({}): {} was trained with '{}', which cannot be changed afterwards; remove it", key,
               text, value->second.origin, file, own);
  }
}

}  // namespace lockstep
