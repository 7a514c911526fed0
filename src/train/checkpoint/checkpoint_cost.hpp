#pragma once

#include <cstddef>
#include <cstdint>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep {

/// How much longer steps take with checkpoints than without.
struct CheckpointCost {
  std::uint64_t every = 0;  ///< steps for one checkpoint
  std::size_t pairs = 0;    ///< compared: steps with a checkpoint, and as many steps without one after them
  double share = 0;         ///< median of seconds with one / seconds without - 1
  double low = 0;           ///< 95 % interval of that median, by its order statistics
  double high = 0;
};

/// Trains in `pairs` pairs of config.checkpoint.every steps with a checkpoint and as many without, in a
/// folder of its own in config.run.dir (empty: in the current one), which it removes. Waiting for a disk that
/// takes longer than the steps counts. The result is that of rank 0. Collective. Errors: those of training, a
/// folder that can't be written; a signal that stops it.
CheckpointCost measure_checkpoints(const Config& config, const Problem& problem, Communicator& communicator,
                                   std::size_t pairs);

}  // namespace lockstep
