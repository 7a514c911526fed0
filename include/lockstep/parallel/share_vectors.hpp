#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/node_counters.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"
#include "lockstep/parallel/shares.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

// Vectors over the parameters of which every rank keeps what it owns, one share after another
// (Share::position): the optimizer's state, the average of the weights.

/// Memory on rank 0 for copies of the parameters and of such vectors, whole. Ranks that exchange through
/// shared memory put their shares there themselves, all at the same time; others send them.
class GatheredVectors {
 public:
  /// Room for the parameters and `count` vectors; `shares` outlives it. Collective. Errors: not enough
  /// memory.
  GatheredVectors(Communicator& communicator, const Shares& shares, std::size_t count, Exchange exchange);

  /// Copies `parameters`, all of them and the same on every rank, and of each vector what this rank owns.
  /// Returns when all is in its place, and gives rank 0 the digest of it (DigestBlocks), one vector after
  /// another. Collective.
  std::string gather(std::span<const Real> parameters, std::span<const std::span<const Real>> owned);

  /// The parameters (0) and the vectors (from 1 on) on rank 0; nothing elsewhere.
  std::span<const Real> vector(std::size_t i);

 private:
  void put(std::span<const std::span<const Real>> owned);
  void send(std::span<const std::span<const Real>> owned);
  std::string digest_together();
  void copy(std::span<const Real> from, std::size_t i, ParameterRange range);
  std::span<Real> place(std::size_t i, ParameterRange range);

  Communicator& communicator_;
  const Shares& shares_;
  std::optional<NodeMemory> memory_;      // of all ranks, or of rank 0 alone
  std::optional<NodeCounters> counters_;  // where all ranks write it
};

/// Fills `owned` with this rank's shares of rank 0's `whole`, which no other rank looks at. Collective.
void deal_shares(Communicator& communicator, const Shares& shares, std::span<const Real> whole,
                 std::span<Real> owned);

}  // namespace lockstep::inline LOCKSTEP_REAL
