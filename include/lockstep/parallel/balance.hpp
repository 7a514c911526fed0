#pragma once

#include <span>
#include <vector>

#include "lockstep/parallel/nodes.hpp"
#include "lockstep/parallel/partition.hpp"

namespace lockstep {

/// Who should own which micro-batches, where the ranks have computed for `seconds` with those of `owned`:
/// within each node micro-batches move from slow ranks to quick ones, so that the slowest takes as little
/// time as it can, if each micro-batch takes a rank as long as before; every rank keeps one. `owned` itself
/// where that would save less than a tenth. A pure function.
std::vector<Interval> balanced(const std::vector<Interval>& owned, std::span<const double> seconds,
                               const Nodes& nodes);

/// Keeps the ranks of a node busy alike while one of them has less of its core than the others, because
/// another program uses it. No result depends on who computes a micro-batch; what a node sends to others
/// stays as it is, because they keep its micro-batches among them.
class Balance {
 public:
  /// Begins with equal ranges. `nodes` outlives it.
  Balance(Index micro_batches, const Nodes& nodes);

  /// The micro-batches of each rank.
  const std::vector<Interval>& owned() const { return owned_; }

  /// Takes in how long each rank has computed in a step, the same figures on every rank; whether the owners
  /// are others from here on. Local.
  bool add(std::span<const double> seconds);

  /// Equal ranges again, and for ever. Local.
  void stop();

 private:
  const Nodes& nodes_;
  std::vector<Interval> owned_;
  std::vector<double> seconds_;  // of the steps since the last decision
  int steps_ = 0;
  bool is_stopped_ = false;
};

}  // namespace lockstep
