#pragma once

#include <map>
#include <utility>
#include <vector>

#include "study/scaling/cluster.hpp"

namespace lockstep {

/// What is known of a training to a target, from a study of batch sizes and one of scaling.
struct TargetModel {
  double least_steps = 0;     ///< S_min
  double critical_batch = 0;  ///< B_crit
  Cluster cluster;
  Index micro_batches = 0;
  Index threads = 1;  ///< a rank, with a core each
  StepTraffic traffic;
  std::map<Index, double> measured_steps;                           ///< by batch
  std::map<std::pair<Index, Index>, double> measured_step_seconds;  ///< by ranks and batch

  /// S(B) = S_min (1 + B_crit / B) (McCandlish et al., arXiv 1812.06162, section 2.3), at least one.
  double steps(Index batch_size) const;
};

/// A choice of ranks and batch, and what a training to the target takes with it: T = S(B) t(P, B), and T
/// times the cores.
struct TargetCell {
  Index ranks = 1;
  Index cores = 1;
  Index batch_size = 1;
  double steps = 0;
  double step_seconds = 0;
  bool has_measured_steps = false;
  bool has_measured_step_seconds = false;

  double seconds() const { return steps * step_seconds; }
  double core_seconds() const { return static_cast<double>(cores) * seconds(); }
};

/// Every pair, batch by batch within each number of ranks. A pure function.
std::vector<TargetCell> predict_targets(const TargetModel& model, const std::vector<Index>& ranks,
                                        const std::vector<Index>& batches);

/// The cell with the least time; and with the least core-seconds, of those that cost alike (to one part in
/// 10⁹) the faster. `cells` are not empty.
const TargetCell& fastest(const std::vector<TargetCell>& cells);
const TargetCell& cheapest(const std::vector<TargetCell>& cells);

/// The fastest cell of each number of ranks, in their order.
std::vector<TargetCell> fastest_of_each(const std::vector<TargetCell>& cells);

}  // namespace lockstep
