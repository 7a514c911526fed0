#pragma once

#include "lockstep/bench/bench.hpp"
#include "lockstep/nn/model.hpp"

namespace lockstep {

/// Floating-point operations of the products of one sample's forward and backward pass.
double operations_per_sample(const Model& model);

/// Collective.
MachineLimits measure_machine(const Config& config, const Model& model, Index batch_size,
                              Communicator& communicator, Index rounds);

}  // namespace lockstep
