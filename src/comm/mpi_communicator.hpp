#pragma once

#include <memory>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// All ranks that MPI has started, those of a node next to each other: by the lowest rank of their node, then
/// as the launcher numbers them. Rank 0 stays rank 0. Collective.
std::unique_ptr<Communicator> ranks_by_node();

}  // namespace lockstep
