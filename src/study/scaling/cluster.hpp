#pragma once

#include <optional>
#include <vector>

#include "study/scaling/step_model.hpp"
#include "study/study.hpp"
#include "study/study_run.hpp"

namespace lockstep {

/// Nodes that a step is predicted for, every rank on a core of its own.
struct Cluster {
  StepModel model;
  Index node_ranks = 0;        ///< 0: as many as there are, on one node
  std::optional<double> link;  ///< Gbit/s, where they are not those that were measured

  Nodes nodes(Index ranks) const;
};

/// What the options of a study say of it: --node-ranks, --link, --latency.
struct ClusterChoice {
  Index node_ranks = 0;
  std::vector<double> links;      ///< Gbit/s; none: as measured
  std::optional<double> latency;  ///< seconds; none: as measured
};
std::vector<StudyOption> cluster_options();

/// `measured_node_ranks` is 0 if all that was measured is on one node. Errors: what is no number; some but
/// not all of them where nothing was measured between nodes.
ClusterChoice chosen_cluster(const StudyRun& study, Index measured_node_ranks);

/// One for each link, at least one. A pure function.
std::vector<Cluster> clusters_of(const ClusterChoice& choice, const StepModel& measured);

}  // namespace lockstep
