#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/node_counters.hpp"
#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/real.hpp"
#include "lockstep/optim/state_layout.hpp"
#include "lockstep/parallel/shares.hpp"
#include "lockstep/parallel/topology.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

// Vectors that go along with the parameters, of which every rank keeps what belongs to the parameters that it
// owns, one share after another: the optimizer's state, the average of the weights.

/// Memory on rank 0 for copies of the parameters and of such vectors, whole. Ranks that exchange through
/// shared memory put their shares there themselves, all at the same time; others send them.
class GatheredVectors {
 public:
  /// Room for the parameters, the statistics, and vectors of these layouts; `topology` and `shares`
  /// outlive all calls but the
  /// destructor. Collective. Errors: not enough memory.
  GatheredVectors(const Topology& topology, const Shares& shares, StateLayout statistics,
                  std::vector<StateLayout> layouts);

  /// Copies `parameters` and `statistics`, all of them and the same on every rank, and of each vector what
  /// this rank owns. Returns when all is in its place, and gives rank 0 the digest of it (DigestBlocks), one
  /// vector after another. Collective.
  std::string gather(std::span<const Real> parameters, std::span<const Real> statistics,
                     std::span<const std::span<const Real>> owned);

  /// The parameters, the statistics, and vector `i`, on rank 0; nothing elsewhere.
  std::span<const Real> parameters();
  std::span<const Real> statistics();
  std::span<const Real> vector(std::size_t i);
  const StateLayout& statistics_layout() const { return statistics_layout_; }
  const StateLayout& layout(std::size_t i) const { return layouts_[i]; }

 private:
  void put(std::span<const std::span<const Real>> owned);
  void send(std::span<const std::span<const Real>> owned);
  std::string digest_together();
  void put_statistics(std::span<const Real> statistics);
  void put_parameters(std::span<const Real> parameters, ParameterRange range);
  std::span<Real> place(Index begin, ParameterRange range);

  Communicator& communicator_;
  const Shares& shares_;
  StateLayout statistics_layout_;  // they stand after the parameters
  std::vector<StateLayout> layouts_;
  std::vector<Index> begins_;             // of the vectors in the memory, after the statistics
  std::optional<NodeMemory> memory_;      // of all ranks, or of rank 0 alone
  std::optional<NodeCounters> counters_;  // where all ranks write it
};

/// How many values of a vector of this layout `rank` keeps.
Index owned_size(const Shares& shares, const StateLayout& layout, int rank);

/// Fills `owned` with what this rank keeps of rank 0's `whole`, a vector of this layout, which no other rank
/// looks at. Collective.
void deal_shares(Communicator& communicator, const Shares& shares, const StateLayout& layout,
                 std::span<const Real> whole, std::span<Real> owned);

}  // namespace lockstep::inline LOCKSTEP_REAL
