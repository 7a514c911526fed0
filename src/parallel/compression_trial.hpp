#pragma once

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/nodes.hpp"

namespace lockstep {

/// Whether compressing what crosses the network takes clearly less time than it saves there, as a trial
/// finds that lasts as long as a few messages. The same on every rank; `nodes` are at least two. Collective.
bool compression_pays(Communicator& communicator, const Nodes& nodes);

}  // namespace lockstep
