#pragma once

#include <memory>
#include <span>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"
#include "lockstep/parallel/shares.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Holds a rank's subtree sums and brings those of all ranks to the owner of each share, bucket by bucket.
/// One step: `start`; for each bucket, in the same order on all ranks, fill its part of the held vectors and
/// `publish`; once `arrived` (or after `wait`) read `sums`, write `result`.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Begins a step. No rank may be reading sums or results of the step before any more. Collective.
  virtual void start(const BatchPlan& plan) = 0;

  /// This rank's vector for its subtree sum number `number`, of all parameters.
  virtual Real* held(std::size_t number) = 0;

  /// This rank's sums of `bucket` are complete. Does not wait.
  virtual void publish(std::size_t bucket) = 0;

  /// Whether all ranks' sums of `bucket` are here. Does not wait.
  virtual bool arrived(std::size_t bucket) = 0;

  /// Returns when they are.
  virtual void wait(std::size_t bucket) = 0;

  /// Where the subtree sums of this rank's `share` begin, in tree order; the caller may overwrite them.
  virtual std::span<Real* const> sums(const Share& share) = 0;

  /// A vector of all parameters of which this rank may write its own shares, after it has read their sums.
  virtual Real* result() = 0;

  /// Seconds that this rank has waited so far.
  virtual double seconds_waited() const = 0;
};

/// Whether the ranks are to exchange through memory that they see together. Collective.
bool shares_memory(Exchange exchange, Communicator& communicator);

/// Errors: memory that was to be `shared` by the ranks is not, though shares_memory found that it could be.
/// The same on all ranks.
void expect_shared(bool shared);

/// `shares` is not replicated and outlives the transport. Collective.
std::unique_ptr<Transport> make_node_transport(Communicator& node, const Shares& shares);
std::unique_ptr<Transport> make_message_transport(Communicator& communicator, const Shares& shares);

}  // namespace lockstep::inline LOCKSTEP_REAL
