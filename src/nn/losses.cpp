#include "lockstep/nn/losses.hpp"

#include <utility>

#include "core/named.hpp"
#include "core/registry.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::deque<LossForm>& all_losses() {
  static std::deque<LossForm> all = {
      {.name = "cross-entropy",
       .description = "cross-entropy of the softmax",
       .task = Task::kClassification,
       .hyperparameters =
           {{"label-smoothing", 0, 0, 1, "weight of the uniform distribution", {}, Numbers::kBelowHighest}},
       .make = [](const Hyperparameters& values) { return make_cross_entropy(values.at("label-smoothing")); },
       .make_weighted =
           [](const Hyperparameters& values, std::vector<double> class_weights) {
             return make_cross_entropy(values.at("label-smoothing"), std::move(class_weights));
           }},
      {.name = "mse",
       .description = "mean squared error",
       .task = Task::kRegression,
       .make = [](const Hyperparameters&) { return make_mean_squared_error(); }},
      {.name = "mae",
       .description = "mean absolute error",
       .task = Task::kRegression,
       .make = [](const Hyperparameters&) { return make_mean_absolute_error(); }},
      {.name = "huber",
       .description = "squares of small, amounts of large errors",
       .task = Task::kRegression,
       .hyperparameters = {{"huber-delta", 1, 1e-6, 1e6, "the error from which on amounts count"}},
       .make = [](const Hyperparameters& values) { return make_huber(values.at("huber-delta")); }},
      {.name = "bce",
       .description = "binary cross-entropy of each label",
       .task = Task::kMultiLabel,
       .make = [](const Hyperparameters&) { return make_binary_cross_entropy(); }}};
  return all;
}

std::vector<std::string> names_for(Task task) {
  std::vector<std::string> names;
  for (const LossForm& form : losses()) {
    if (form.task == task) names.push_back(form.name);
  }
  return names;
}

const LossForm& find_loss(const std::string& name, Task task) {
  const LossForm* const form = find_named(losses(), name == "auto" ? names_for(task).front() : name);
  if (form == nullptr) {
    fail_input("`loss` = {}: unknown; expected auto or one of: {}", name, join(names_of(losses())));
  }
  if (form->task != task) {
    fail_input("`loss` = {}: fits {}, the data are {}; set `task`, or use one of: auto, {}", name,
               task_name(form->task), task_name(task), join(names_for(task)));
  }
  return *form;
}

/// Refuses values that would have no effect.
void check_parameters(const LossForm& chosen, const Hyperparameters& given) {
  for (const LossForm& form : losses()) {
    for (const Hyperparameter& parameter : form.hyperparameters) {
      const auto value = given.find(parameter.name);
      if (value == given.end() || value->second == parameter.default_value) continue;
      if (find_named(chosen.hyperparameters, parameter.name) != nullptr) continue;
      fail_input("`{}` = {}: the loss '{}' does not use it, '{}' does; remove it", parameter.name,
                 value->second, chosen.name, form.name);
    }
  }
}

}  // namespace

const std::deque<LossForm>& losses() { return all_losses(); }

void register_loss(LossForm form) {
  check_new_name(losses(), form.name, "a loss");
  all_losses().push_back(std::move(form));
}

ChosenLoss choose_loss(const std::string& name, const Hyperparameters& given, Task task,
                       std::vector<double> class_weights) {
  const LossForm& form = find_loss(name, task);
  check_parameters(form, given);
  ChosenLoss chosen{
      .name = form.name, .parameters = with_defaults(form.hyperparameters, given), .loss = nullptr};
  if (class_weights.empty()) {
    chosen.loss = form.make(chosen.parameters);
    return chosen;
  }
  if (form.make_weighted == nullptr) {
    fail_input("`class-weights`: the loss '{}' does not weigh classes; leave them out, or use another loss",
               form.name);
  }
  chosen.loss = form.make_weighted(chosen.parameters, std::move(class_weights));
  return chosen;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
