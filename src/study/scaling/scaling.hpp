#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "study/scaling/cluster.hpp"
#include "study/scaling/hosts.hpp"
#include "study/scaling/step_model.hpp"

namespace lockstep {

/// A number of ranks and a global batch, as they were measured.
struct ScalingCell {
  Index ranks = 1;
  Index nodes = 1;
  double crowd = 1;  ///< ranks a core
  Index batch_size = 0;
  double seconds = 0;  ///< of a step: median over the rounds
  double fastest = 0;  ///< of the rounds
  double slowest = 0;
  double exchange = 0;      ///< seconds for sums and checks over ranks, without waiting
  double waiting = 0;       ///< for other ranks, on average
  double sent = 0;          ///< bytes that a rank sends to other nodes in a step, on average
  double uncompressed = 0;  ///< that these were without compression

  double samples_per_second() const { return static_cast<double>(batch_size) / seconds; }
};

/// A message between two nodes by itself, as it was measured.
struct TimedMessage {
  std::size_t bytes = 0;
  MessageTime time = {};
};

/// A step as the model says of more ranks than were measured.
struct Prediction {
  Index ranks = 1;
  Index nodes = 1;
  std::optional<double> link;  ///< Gbit/s, where it is not as measured
  Index batch_size = 0;
  double seconds = 0;
};

/// All that the study measured and what was concluded from it.
struct ScalingResults {
  std::vector<Index> ranks;    ///< ascending, from 1
  std::vector<Index> batches;  ///< of strong scaling, ascending
  Index batch_size = 0;        ///< of the configuration, one of them
  Index rank_batch = 0;        ///< samples a rank of weak scaling
  Index micro_batches = 0;
  Index samples = 0;  ///< of the training part
  Index threads = 1;  ///< a rank
  Hosts hosts;
  StepTraffic traffic;
  Index most_predicted = 0;  ///< ranks
  std::vector<ScalingCell> cells;
  std::vector<TimedMessage> messages;  ///< none on one node
  StepModel model;
  std::vector<HeldOut> held_out;
  std::vector<HeldOut> from_two_nodes;
  std::vector<Cluster> clusters;  ///< what is predicted beyond the measured ranks, at least one
  double serial_share = 0;        ///< Amdahl's, of batch_size

  bool has_nodes() const { return !messages.empty(); }
  const ScalingCell& cell(Index at_ranks, Index batch) const;
  Index parameters() const;
  /// By the model: where it was measured, for the measured nodes and cores; beyond that, for a cluster.
  double predicted(Index at_ranks, Index batch) const;
  double predicted(const Cluster& cluster, Index at_ranks, Index batch) const;
  /// t(1) / t(P) at one batch, and t(1, b) / t(P, P b): 1 where scaling is perfect.
  double speedup(Index at_ranks, Index batch) const;
  double weak_efficiency(Index at_ranks) const;
  /// The rank counts of the study, then doubled up to most_predicted.
  std::vector<Index> ranks_to_draw() const;
  /// Of those beyond the measured ones, on each cluster: strong and weak scaling.
  std::vector<Prediction> strong_predictions() const;
  std::vector<Prediction> weak_predictions() const;
  /// Whether the configuration could train so: a micro-batch a rank, and no batch above the training samples.
  bool allows(Index at_ranks, Index batch) const;
  /// Whether the model has foretold rank counts that it was not fitted to; true where none could be tried.
  bool model_holds() const;
};

/// The steps, and the messages, that the model is fitted to.
std::vector<TimedStep> timed_steps(const ScalingResults& results);

/// What metrics.jsonl and the page have of them.
std::vector<nlohmann::ordered_json> scaling_events(const ScalingResults& results);
std::vector<nlohmann::ordered_json> scaling_sections(const ScalingResults& results);
std::vector<std::string> scaling_findings(const ScalingResults& results);

}  // namespace lockstep
