#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/nn/unit.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/shares.hpp"
#include "lockstep/parallel/topology.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Sums the gradients of all micro-batches over all ranks, each rank what it owns. One step: `start`, the
/// blocks' gradients through `add` and `done`, then `finish`.
class GradientReducer : public GradientSink {
 public:
  /// Takes the memory that steps with this plan need, unless there is enough already; whether all ranks have
  /// got it. Not in a step. Collective.
  virtual bool has_room(const BatchPlan& plan) = 0;

  /// Begins a step with this plan, which outlives the step; the rank's rows come in `blocks` blocks, and the
  /// sum over all is divided by `divisor`. No rank may be reading the gradient of the step before any more:
  /// Replica::publish or whole_gradient stands between the two. Collective.
  virtual void start(const BatchPlan& plan, std::size_t blocks, double divisor) = 0;

  /// Returns when the gradient is summed. Collective.
  virtual void finish() = 0;

  /// The sum over all micro-batches divided by the divisor, in a vector of all parameters of which
  /// only what this rank owns is defined; until the next start.
  virtual std::span<const Real> gradient() const = 0;

  /// Σ g² of every piece (Shares::pieces) that this rank owns, in their order.
  virtual std::span<const double> squares() const = 0;

  /// Seconds that this rank has waited for others, and for the network between nodes, so far.
  virtual double seconds_waited() const = 0;
};

/// For shares that are not replicated: the same bits at every rank count. Complete subtrees are summed as
/// micro-batches come; when a bucket's gradient is ready on all ranks of a node, while earlier buckets still
/// compute, the node's ranks add their subtree sums in memory that they share, and only what is left crosses
/// the network, each share to its owner, who divides the total. With the parameters given back by their
/// owners (Replica) that is reduce-scatter and all-gather between nodes: for aligned powers of two a node
/// sends and receives 2 (H-1)/H n values over H nodes, which is the least possible (Chan et al.: Collective
/// communication, 2007). The gradients and sums of the `rounded_levels` levels right below the tree's root
/// are rounded to bfloat16 wherever they are computed, and travel as that: the total, at the root, is not.
///
/// For replicated shares: the library's all-reduce over one micro-batch a rank, in whatever order it sums.
///
/// `topology` and `shares` outlive the reducer. Collective.
std::unique_ptr<GradientReducer> make_gradient_reducer(const Topology& topology, const Shares& shares,
                                                       int rounded_levels = 0);

/// The whole of the reducer's gradient, on every rank. Collective.
std::vector<Real> whole_gradient(const GradientReducer& reducer, const Shares& shares,
                                 Communicator& communicator);

}  // namespace lockstep::inline LOCKSTEP_REAL
