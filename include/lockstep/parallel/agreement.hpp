#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// Calls `action`, which talks to no other rank, and makes its failure everybody's: if it throws on some
/// ranks, every rank throws the Error of the lowest of them. Collective.
void together(Communicator& communicator, const std::function<void()>& action);

/// The ranks whose `text` is not that of most ranks (in a draw, not that of the lowest). Empty on agreement.
/// Collective.
std::vector<int> ranks_that_differ(Communicator& communicator, const std::string& text);

}  // namespace lockstep
