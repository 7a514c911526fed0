#pragma once

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"

namespace lockstep {

/// The train command: data, training, evaluation, run directory, what the person sees. Collective.
/// Errors: those of make_problem, Trainer and RunDirectory, before anything is written where they can be.
void run_training(Config config, Communicator& communicator, const std::string& message_library);

}  // namespace lockstep
