#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/core/hyperparameter.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// One loss by its name. To add one: write its formula in elementwise_losses.cpp or a file of its own, and
/// list it in losses.cpp; configuration, help and weights files take it from the list.
struct LossForm {
  std::string name;
  std::string description;  ///< in words
  Task task;                ///< whose targets it takes
  std::vector<Hyperparameter> hyperparameters = {};
  std::unique_ptr<Loss> (*make)(const Hyperparameters& values) = nullptr;
  /// The same with a weight for each class, where the loss takes such.
  std::unique_ptr<Loss> (*make_weighted)(const Hyperparameters& values,
                                         std::vector<double> class_weights) = nullptr;
};

/// All losses, in the order of their help. The first of a task is that of "auto".
const std::deque<LossForm>& losses();

/// Makes another loss known, also to configurations. Before the first configuration is read. Errors: a name
/// that is known, or no word.
void register_loss(LossForm form);

/// A loss with what a weights file needs to know of it.
struct ChosenLoss {
  std::string name;
  Hyperparameters parameters;  ///< all that it takes, and no others
  std::shared_ptr<const Loss> loss;
};

/// The loss called `name`, or the first for `task` where that is "auto", with the values `given` or its own
/// defaults; with `class_weights`, one a class, unless there are none.
/// Errors: an unknown name (the known ones are listed), a loss for another task (those for this one are
/// listed), a parameter that is neither its own nor at its default, weights where it takes none.
ChosenLoss choose_loss(const std::string& name, const Hyperparameters& given, Task task,
                       std::vector<double> class_weights = {});

}  // namespace lockstep::inline LOCKSTEP_REAL
