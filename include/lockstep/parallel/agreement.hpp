#pragma once

#include <functional>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// Calls `action`, which talks to no other rank, and makes its failure everybody's: if it throws on some
/// ranks, every rank throws the Error of the lowest of them. Collective.
void together(Communicator& communicator, const std::function<void()>& action);

}  // namespace lockstep
