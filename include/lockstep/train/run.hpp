#pragma once

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"

namespace lockstep {

/// The train command: data, training, evaluation, run directory, checkpoints, what the person sees. `resume`
/// is the directory of a run to go on with, whose settings `given` may change in part, or empty. Collective.
/// Errors: those of make_config, make_problem, Trainer and RunDirectory, before anything is written where
/// they can be; settings, data or a rank count that another run would need; a run
/// directory that is gone and can't be made again; with exit code 4, a requested_stop.
void run_training(const GivenValues& given, const std::string& resume, Communicator& communicator,
                  const std::string& message_library);

}  // namespace lockstep
