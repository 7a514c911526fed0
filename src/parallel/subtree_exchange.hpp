#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"

namespace lockstep {

/// Holds a rank's subtree sums and lets the owner of each slice read those of all ranks. One step: `reserve`,
/// fill the levels, `collect`, write the own slice of `result`, `share`.
class SubtreeExchange {
 public:
  virtual ~SubtreeExchange() = default;

  /// Makes room for `levels` vectors, where there is less. Collective with the same `levels` on every rank.
  virtual void reserve(std::size_t levels) = 0;

  /// This rank's vector number `level`, of all parameters.
  virtual Real* level(std::size_t level) = 0;

  /// For this rank's slice, where each rank's subtree sums begin, in tree order; the caller may overwrite
  /// them. Collective.
  virtual std::span<Real* const> collect(const BatchPlan& plan) = 0;

  /// A vector of all parameters of which this rank writes its slice.
  virtual Real* result() = 0;

  /// The result with every rank's slice; valid until the next `collect`. Collective.
  virtual std::span<const Real> share() = 0;
};

/// kAuto: memory that the ranks see together where all are on one node, else messages. Collective.
std::unique_ptr<SubtreeExchange> make_subtree_exchange(Exchange exchange, Communicator& communicator,
                                                       Index parameters);

}  // namespace lockstep
