#pragma once

#include "bench/bench.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {

/// Floating-point operations of the products of one sample's forward and backward pass.
double operations_per_sample(const Network& model);

/// Collective.
MachineLimits measure_machine(const Config& config, const Network& model, Index batch_size,
                              Communicator& communicator, Index rounds);

}  // namespace lockstep
