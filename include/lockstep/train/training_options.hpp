#pragma once

#include <cstdint>

#include "lockstep/core/index.hpp"
#include "lockstep/nn/initialization.hpp"
#include "lockstep/nn/row_block.hpp"
#include "lockstep/optim/methods.hpp"
#include "lockstep/optim/schedule.hpp"
#include "lockstep/parallel/exchange.hpp"

namespace lockstep {

/// What becomes of a step whose loss or gradient is not finite: the run stops, or goes on without it.
enum class OnNonFinite { kStop, kSkip };

/// As a batch size: 256, or where an epoch would have fewer than 20 steps, the power of two that gives it so
/// many; at least 8, as far as there are so many samples.
inline constexpr Index kAutomaticBatch = -1;

/// How a network is trained on its data. The keys of the configuration of the same names say what each means.
struct TrainingOptions {
  Index batch_size = kAutomaticBatch;  ///< samples of one step over all ranks; 0: all
  Index epochs = 10;
  std::uint64_t steps = 0;  ///< 0: by epochs
  int micro_batches = 8;    ///< slices of a batch, and the most ranks there may be; 0 before it is settled
  int threads = 1;          ///< of each rank
  Index activation_memory = kActivationMemory;  ///< MiB for each thread: Network::bound_activations
  Precision precision = Precision::kFloat32;
  std::uint64_t seed = 1;
  Initialization initialization = Initialization::kAuto;  ///< of a network that has no parameters yet
  Reduction reduction = Reduction::kReproducible;
  Exchange exchange = Exchange::kAuto;
  Compression compression = Compression::kAuto;
  Wire wire = Wire::kReal;
  int wire_levels = 4;              ///< of the tree below its root that kBfloat16 rounds
  bool timeline = false;            ///< whether to leave a trace of the first steps
  std::uint64_t check_every = 100;  ///< steps between comparisons of the replicas, 0: never
  bool noise_scale = false;         ///< measure the gradient noise scale
  OnNonFinite on_nonfinite = OnNonFinite::kStop;
  std::uint64_t nonfinite_limit = 10;  ///< the most steps in a row to go on without
  OptimizerOptions optimizer = sgd();
  double clip_norm = 0;      ///< the largest norm of a gradient, 0: any
  double average_decay = 0;  ///< of the moving average of the weights, 0: none
  ScheduleOptions schedule = {};
  BatchScaling batch_scaling = BatchScaling::kNone;
  Index reference_batch = 256;  ///< the batch size that the learning rate is meant for
};

}  // namespace lockstep
