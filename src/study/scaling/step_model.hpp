#pragma once

#include <vector>

#include "study/scaling/step_shape.hpp"

namespace lockstep {

/// Seconds of a core for what a rank sends to other nodes.
struct NetworkWork {
  double message = 0;
  double byte = 0;

  /// Of the other ranks on the core.
  double of_others(const StepShape& shape) const;
};

/// Seconds of a step as what it asks for times what that costs (the postal model of messages: latency and
/// bandwidth):
///
///     t = crowd · (step + sample · rows + message · messages + byte · bytes) + network + work
///     network = the most of all paths of: link_message · messages + link_byte · bytes - crowd · sample ·
///     rows
///     work = (crowd - 1) · (work.message · messages + work.byte · bytes), of those between nodes
///
/// `step` is what every step costs a rank whatever the batch: the optimizer, packing of weights, calls.
/// `work` is what the network takes a core: a rank's own is done while its bytes are on the way, but that of
/// other ranks on its core is not. Ranks that share a memory or a network more tightly the more they are, are
/// not part of it.
struct StepModel {
  double step = 0;
  double sample = 0;
  double message = 0;
  double byte = 0;
  double link_message = 0;
  double link_byte = 0;
  NetworkWork work = {};  ///< measured, not fitted

  double seconds(const StepShape& shape) const;
  /// The part of it that one rank alone has not.
  double exchange(const StepShape& shape) const;
  /// The part of that which is between nodes and not hidden.
  double network(const StepShape& shape) const;
};

struct TimedStep {
  Index ranks = 1;  ///< 0 for a message by itself
  Index nodes = 1;
  Index batch_size = 0;
  StepShape shape;
  double seconds = 0;  ///< above 0
};

/// The costs of at least 0 with the least sum of squared relative errors Σ (model / measured - 1)²: the best
/// of all choices of which are not 0 (the exact solution of non-negative least squares, Lawson, Hanson:
/// Solving least squares problems, 1974, chapter 23). Which path of a step takes most is first taken to be
/// that of all messages, and then what the costs so far say, until that changes nothing. Where the data
/// cannot tell messages from bytes, as those of two rank counts, the cost is that of bytes. At least one
/// step. A pure function.
StepModel fit_step_model(const std::vector<TimedStep>& steps, const NetworkWork& work = {});

/// What a model fitted to other steps says of one.
struct HeldOut {
  TimedStep step;
  double predicted = 0;

  double error() const { return predicted / step.seconds - 1; }
};
/// Each rank count by all others; steps of the only rank count are left out.
std::vector<HeldOut> leave_one_out(const std::vector<TimedStep>& steps, const NetworkWork& work = {});
/// Those on three nodes or more by those on one and two; empty where there are not all of these.
std::vector<HeldOut> from_two_nodes(const std::vector<TimedStep>& steps, const NetworkWork& work = {});
/// Without sign.
double largest_error(const std::vector<HeldOut>& held_out);

/// The share s of the work that does not get faster with more ranks, if t(P) = t(1) (s + (1 - s) / P)
/// (Amdahl, 1967): by least squares of t(P) / t(1), from 0 to 1. seconds[i] is the time on ranks[i]; ranks[0]
/// = 1.
double serial_share(const std::vector<Index>& ranks, const std::vector<double>& seconds);

}  // namespace lockstep
