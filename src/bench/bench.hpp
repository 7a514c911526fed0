#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/parallel/partition.hpp"
#include "lockstep/train/config.hpp"
#include "train/checkpoint/checkpoint_cost.hpp"
#include "train/step/timed_training.hpp"

namespace lockstep {

/// What the machine gives while all ranks ask for it at once; rates are those of one rank, the median of
/// several.
struct MachineLimits {
  Precision precision = Precision::kFloat32;  ///< of the products
  double gemm_2048 = 0;        ///< products of 2048 x 2048 matrices, floating-point operations a second
  double gemm_model = 0;       ///< the products of a step, each over all rows of a rank, operations a second
  double copy = 0;             ///< memory read and written, bytes a second
  double message_latency = 0;  ///< 8 bytes from rank 0 to rank 1, seconds; 0 on one rank
  double message_bandwidth = 0;  ///< 4 MiB likewise, bytes a second
  double exchange = 0;           ///< sum of a gradient over the ranks, all of them ready, seconds
};

/// Where the exchange of a step stands on one of several nodes: means over its ranks, in seconds.
struct NodeExchange {
  std::string host;
  int ranks = 0;
  double overlapped = 0;  ///< while later layers were still to compute
  double exposed = 0;     ///< after that
  double waiting = 0;     ///< of it, for other ranks and the network
};

/// What the machine gives, and what the configured training makes of it.
struct BenchReport {
  int ranks = 0;
  int micro_batches = 0;
  std::vector<Interval> owned;  ///< micro-batches of each rank in the end
  Index batch_size = 0;
  Index parameters = 0;
  double operations = 0;  ///< floating-point operations of a step's products, over all ranks
  MachineLimits limits;
  StepMeasurement step;
  std::vector<NodeExchange> nodes;  ///< where there are several
  double node_sent = 0;             ///< bytes that a node sends in a step, mean over those; 0 if not known
  bool compresses = false;          ///< whether they are compressed
  std::optional<double>
      one_rank_seconds;                ///< a step on one rank while the others sleep; where there are others
  std::optional<double> fast_seconds;  ///< a step with train.reduction = fast, where that is not configured
  std::optional<CheckpointCost> checkpoints;  ///< where some are configured by steps

  double samples_per_second() const { return static_cast<double>(batch_size) / step.seconds; }
  /// Of gemm_2048 on all ranks.
  double share_of_limit() const { return operations / step.seconds / (limits.gemm_2048 * ranks); }
};

/// Measures the machine and the training step of `config`, all in one run: what is compared is measured in
/// turn, `rounds` times (checkpoints, ten times as often). Collective. Errors: those of training and of
/// measure_checkpoints; fewer than three rounds.
BenchReport run_bench(Config config, Communicator& communicator, Index rounds);

/// The report for machines, and line by line for people.
nlohmann::ordered_json to_json(const BenchReport& report);
std::vector<std::string> to_lines(const BenchReport& report);

}  // namespace lockstep
