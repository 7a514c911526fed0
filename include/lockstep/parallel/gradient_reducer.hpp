#pragma once

#include <memory>
#include <span>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/nn/layer.hpp"
#include "lockstep/parallel/batch_plan.hpp"

namespace lockstep {

enum class Reduction { kReproducible, kFast };

/// How gradients travel between ranks: kAuto takes memory that ranks of one node see together where all are
/// on one node, and messages elsewhere. The bits are the same.
enum class Exchange { kAuto, kMessages };

/// Sums the gradients of all micro-batches over all ranks. One step: `start`, then `buffer` and `add` for
/// every owned micro-batch with samples and every range of parameters, then `finish`.
class GradientReducer : public GradientSink {
 public:
  /// Begins a step with this plan. Collective.
  virtual void start(const BatchPlan& plan) = 0;

  /// The sum over all micro-batches divided by `divisor`, the same bits on every rank; valid until the next
  /// start. Collective.
  virtual std::span<const Real> finish(Real divisor) = 0;
};

/// kReproducible: the same bits at every rank count. Complete subtrees are summed as micro-batches come; each
/// rank owns a slice of the gradient, takes the other ranks' subtree sums of it, adds them in tree order,
/// divides, and gives the result to all (reduce-scatter, all-gather). For aligned powers of two a rank sends
/// and receives 2 (P-1)/P n values, which is the least possible (Chan et al.: Collective communication,
/// 2007).
///
/// kFast: the library's all-reduce over one micro-batch a rank, in whatever order it sums.
///
/// Collective.
std::unique_ptr<GradientReducer> make_gradient_reducer(Reduction reduction, Communicator& communicator,
                                                       Index parameters, Exchange exchange = Exchange::kAuto);

}  // namespace lockstep
