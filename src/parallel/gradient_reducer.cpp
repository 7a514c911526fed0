#include "lockstep/parallel/gradient_reducer.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"
#include "lockstep/parallel/replica.hpp"
#include "parallel/all_reduce_reducer.hpp"
#include "parallel/tree_reducer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

std::unique_ptr<GradientReducer> make_gradient_reducer(const Topology& topology, const Shares& shares,
                                                       int rounded_levels) {
  LOCKSTEP_CHECK(shares.ranks() == topology.all().size());
  LOCKSTEP_CHECK(rounded_levels == 0 || !shares.is_replicated());
  if (shares.is_replicated()) return make_all_reduce_reducer(topology.all(), shares);
  return make_tree_reducer(topology, shares, rounded_levels);
}

std::vector<Real> whole_gradient(const GradientReducer& reducer, const Shares& shares,
                                 Communicator& communicator) {
  std::vector<Real> gradient(reducer.gradient().size());
  for (const Share& share : shares.owned_by(communicator.rank())) {
    std::copy_n(reducer.gradient().begin() + share.range.offset, share.range.size,
                gradient.begin() + share.range.offset);
  }
  give_shares(communicator, shares, gradient);
  return gradient;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
