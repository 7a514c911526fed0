#pragma once

#include <string>

#include "cli/arguments.hpp"
#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// What has to be the same on all ranks before they talk about anything else. Errors: another program or
/// `command`. Collective.
void check_same_program(Communicator& world, const std::string& command);

/// Errors: ranks that were given other `arguments`. Collective.
void check_same_arguments(Communicator& world, const Arguments& arguments);

}  // namespace lockstep
