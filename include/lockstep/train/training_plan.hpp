#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/core/real.hpp"
#include "lockstep/parallel/shares.hpp"
#include "lockstep/train/training_options.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What the options mean for a training set of some size. A pure function, the same on every rank.
struct TrainingPlan {
  Index batch_size = 0;  ///< samples of a global batch, the last of an epoch apart
  Index steps_per_epoch = 0;
  std::uint64_t total_steps = 0;
  double learning_rate = 0;  ///< scaled with the batch, before the schedule

  /// The last step of the epoch, or of the training, that goes on after `done` steps.
  std::uint64_t next_epoch_end(std::uint64_t done) const;
};

/// The plan of `config` for so many training samples.
TrainingPlan plan_training(const TrainingOptions& options, Index training_samples);

/// Which rank owns which parameters: shared as far as the optimizer lets them be; all on every rank for the
/// fast reduction. Pure as well.
Shares plan_shares(const TrainingOptions& options, const ParameterLayout& layout, int ranks);

/// The parameters that travel between nodes as the bfloat16 that products use, in rising order. Pure.
std::vector<ParameterRange> rounded_parameters(const TrainingOptions& options, const ParameterLayout& layout);

/// How many levels of the tree are rounded to bfloat16 (make_gradient_reducer). Pure.
int rounded_levels(const TrainingOptions& options);

}  // namespace lockstep::inline LOCKSTEP_REAL
