#pragma once

#include <string>

#include "lockstep/core/hyperparameter.hpp"

namespace lockstep {

/// Which parameters weight decay and L2 act on.
enum class DecayScope { kWeights, kAll };

/// The method and its settings.
struct OptimizerOptions {
  std::string name = "sgd";
  Hyperparameters hyperparameters;  ///< "learning-rate", "weight-decay" and the algorithm's own, all of them
  double l2 = 0;                    ///< λ of λ/2 ‖x‖² in the loss: g ← g + λ x
  DecayScope decay_scope = DecayScope::kWeights;
};

}  // namespace lockstep
