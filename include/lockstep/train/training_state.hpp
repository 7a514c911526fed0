#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lockstep/core/real.hpp"
#include "lockstep/optim/state_layout.hpp"
#include "lockstep/train/noise_scale.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// The parameters, or a vector that goes along with them; the network's statistics.
struct StateVector {
  std::string name;  ///< "parameters", "statistics", "optimizer.m", "average"
  std::span<const Real> values;
  const StateLayout* layout = nullptr;  ///< none: one value for each parameter
};

/// Steps that were skipped because a loss or gradient was not finite.
struct SkippedSteps {
  std::uint64_t total = 0;
  std::uint64_t in_a_row = 0;  ///< up to the last step
};

/// All that a training carries from one step to the next: whatever else it needs is a pure function of the
/// configuration and of the number of the step.
struct TrainingState {
  std::uint64_t steps_done = 0;
  SkippedSteps skipped = {};                ///< of those
  std::vector<StateVector> vectors;         ///< whole; on rank 0 alone
  std::string digest = {};                  ///< DigestBlocks of their bytes, one after another
  NoiseEstimate noise = {};                 ///< the averages of the gradient noise, where they are measured
  std::shared_ptr<const void> memory = {};  ///< keeps what the vectors stand in
};

}  // namespace lockstep::inline LOCKSTEP_REAL
