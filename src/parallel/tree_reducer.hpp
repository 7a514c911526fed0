#pragma once

#include <memory>

#include "lockstep/parallel/gradient_reducer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Sums along the reduction tree, in memory within a node and by messages between nodes: the same bits for
/// every number of ranks. Collective.
std::unique_ptr<GradientReducer> make_tree_reducer(const Topology& topology, const Shares& shares,
                                                   int rounded_levels);

}  // namespace lockstep::inline LOCKSTEP_REAL
