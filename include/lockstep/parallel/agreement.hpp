#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// Calls `action`, which talks to no other rank, and makes its failure everybody's: if it throws on some
/// ranks, every rank throws the Error of the lowest of them. Collective.
void together(Communicator& communicator, const std::function<void()>& action);

/// Calls `action`, which talks to `group` alone, a part of `world`. Groups that end early sleep until all
/// have; then a failure of a whole group becomes everybody's, as in `together`. One rank that fails alone,
/// while the others of its group wait for it, throws at once. Collective over `world`.
void in_groups(Communicator& world, Communicator& group, const std::function<void()>& action);

/// The ranks whose `text` is not that of most ranks (in a draw, not that of the lowest). Empty on agreement.
/// Collective.
std::vector<int> ranks_that_differ(Communicator& communicator, const std::string& text);

}  // namespace lockstep
