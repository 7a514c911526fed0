#include "lockstep/nn/layers.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "lockstep/core/error.hpp"
#include "lockstep/core/named.hpp"
#include "lockstep/core/suggestion.hpp"
#include "lockstep/core/text.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// A layer's name and the number that may follow it.
struct Form {
  std::string name;
  std::string number;                    ///< what the number means; empty for none
  std::optional<double> default_number;  ///< none: the number must be given
};

const std::array kForms = {
    Form{"linear", "OUTPUTS", std::nullopt},
    Form{"relu", "", 0},
    Form{"leaky-relu", "SLOPE", 0.01},
    Form{"tanh", "", 0},
    Form{"sigmoid", "", 0},
    Form{"gelu", "", 0},
    Form{"softplus", "", 0},
    Form{"identity", "", 0},
    Form{"dropout", "P", std::nullopt},
};

constexpr double kMostOutputs = 1 << 24;

const Form& find_form(std::string_view name, std::string_view text) {
  const Form* const form = find_named(kForms, name);
  if (form == nullptr) {
    fail_input("model.layers: unknown layer '{}'; known are: {}{}", text, join(layer_forms()),
               suggestion(name, names_of(kForms)));
  }
  return *form;
}

}  // namespace

std::vector<std::string> layer_forms() {
  std::vector<std::string> forms;
  for (const Form& form : kForms) {
    const std::string number = form.default_number ? "[" + form.number + "]" : form.number;
    forms.push_back(form.number.empty() ? form.name : form.name + " " + number);
  }
  return forms;
}

std::unique_ptr<Layer> make_layer(std::string_view text, Index inputs, int position) {
  const std::size_t space = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view argument = trim(text.substr(space));
  const Form& form = find_form(text.substr(0, space), text);

  const std::optional<double> number = argument.empty() ? form.default_number : parse_number(argument);
  if (!number || (form.number.empty() && !argument.empty())) {
    fail_input("model.layers: '{}': expected '{}{}'", text, form.name,
               form.number.empty() ? "" : " " + form.number);
  }
  const auto require = [&](bool condition, std::string_view what) {
    if (!condition) fail_input("model.layers: '{}': expected {}", text, what);
  };
  if (form.name == "linear") {
    require(*number >= 1 && *number <= kMostOutputs &&
                *number == static_cast<double>(static_cast<Index>(*number)),
            "a whole number of outputs from 1 to 16777216");
    return make_linear(inputs, static_cast<Index>(*number));
  }
  if (form.name == "dropout") {
    require(*number >= 0 && *number < 1, "the probability of dropping a unit, 0 <= p < 1");
    return make_dropout(inputs, *number, position);
  }
  require(*number >= 0 && *number <= 1, "a slope from 0 to 1");
  return make_activation(form.name, *number, inputs);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
