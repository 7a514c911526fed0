#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lockstep/core/hyperparameter.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/nn/gradient_check.hpp"

namespace lockstep {

/// A network and the samples at which its gradients are to be checked.
struct GradientCheckCase {
  std::string layers;                 ///< the network as text
  std::span<const float> parameters;  ///< of that network
  std::string loss;                   ///< a name of losses()
  Hyperparameters loss_parameters;
  std::vector<double> class_weights = {};  ///< of that loss, if it has such
  const Dataset& data;
  const SampleNormalization& normalization;
  std::span<const Index> samples;  ///< of `data`, one row each
  std::uint64_t seed = 0;          ///< of dropout and of the choice of elements
};

/// check_gradients of the same network in double, where central differences are a measure. Local.
std::vector<GradientCheck> check_gradients_in_double(const GradientCheckCase& check, Index per_tensor);

}  // namespace lockstep
