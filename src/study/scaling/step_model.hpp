#pragma once

#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// What a step asks of the machine: of its slowest rank, and between ranks.
struct StepShape {
  double rows = 0;      ///< samples of the rank that computes most
  double messages = 0;  ///< that each rank sends one after another: 2 (P - 1)
  double bytes = 0;     ///< that each rank sends: 2 (P - 1) / P · n, n the bytes of all parameters
};

/// Of a batch in `micro_batches` on `ranks`. A rank has whole micro-batches, hence maybe more rows than batch
/// / ranks. Reduce-scatter and all-gather between P ranks each send P - 1 messages of n / P bytes (Thakur,
/// Rabenseifner, Gropp: Optimization of collective communication operations in MPICH, 2005). More ranks than
/// micro-batches: as with the next power of two of them. A pure function.
StepShape shape_of(Index batch_size, Index micro_batches, Index ranks, Index parameters);

/// Seconds of a step as what it asks for times what that costs (the postal model of messages: latency and
/// bandwidth):
///
///     t = step + sample · rows + message · messages + byte · bytes
///
/// `step` is what every step costs a rank whatever the batch: the optimizer, packing of weights, calls. Ranks
/// that share a memory or a network more tightly the more they are, are not part of it.
struct StepModel {
  double step = 0;
  double sample = 0;
  double message = 0;
  double byte = 0;

  double seconds(const StepShape& shape) const;
  /// The part of it that one rank alone has not.
  double exchange(const StepShape& shape) const;
};

struct TimedStep {
  Index ranks = 1;
  Index batch_size = 0;
  StepShape shape;
  double seconds = 0;  ///< above 0
};

/// The costs of at least 0 with the least sum of squared relative errors Σ (model / measured - 1)²: the best
/// of all choices of which are not 0 (the exact solution of non-negative least squares, Lawson, Hanson:
/// Solving least squares problems, 1974, chapter 23). Where the data cannot tell messages from bytes, as
/// those of two rank counts, the cost is that of bytes. At least one step. A pure function.
StepModel fit_step_model(const std::vector<TimedStep>& steps);

/// What a model fitted to all other rank counts says of each step; steps of the only rank count are left out.
struct HeldOut {
  TimedStep step;
  double predicted = 0;

  double error() const { return predicted / step.seconds - 1; }
};
std::vector<HeldOut> leave_one_out(const std::vector<TimedStep>& steps);

/// The share s of the work that does not get faster with more ranks, if t(P) = t(1) (s + (1 - s) / P)
/// (Amdahl, 1967): by least squares of t(P) / t(1), from 0 to 1. seconds[i] is the time on ranks[i]; ranks[0]
/// = 1.
double serial_share(const std::vector<Index>& ranks, const std::vector<double>& seconds);

}  // namespace lockstep
