#pragma once

#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/shares.hpp"

namespace lockstep {

/// Vectors over the parameters of which every rank keeps what it owns, one share after another
/// (Share::position): the optimizer's state, the average of the weights.

/// On rank 0 the whole vector, elsewhere nothing. Collective.
std::vector<Real> collect_shares(Communicator& communicator, const Shares& shares,
                                 std::span<const Real> owned);

/// The reverse: fills `owned` with this rank's shares of rank 0's `whole`, which no other rank looks at.
/// Collective.
void deal_shares(Communicator& communicator, const Shares& shares, std::span<const Real> whole,
                 std::span<Real> owned);

}  // namespace lockstep
