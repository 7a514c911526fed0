#include "lockstep/train/training_plan.hpp"

#include "lockstep/data/sampler.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

TrainingPlan plan_training(const Config& config, Index training_samples) {
  TrainingPlan plan;
  plan.batch_size = config.train.batch_size > 0 ? config.train.batch_size : training_samples;
  plan.steps_per_epoch = Sampler(config.train.seed, training_samples, plan.batch_size).steps_per_epoch();
  plan.total_steps = config.train.steps > 0
                         ? config.train.steps
                         : static_cast<std::uint64_t>(config.train.epochs * plan.steps_per_epoch);
  plan.learning_rate = config.optimizer.hyperparameters.at("learning-rate") *
                       batch_scale(config.batch_scaling, plan.batch_size, config.reference_batch);
  return plan;
}

Shares plan_shares(const Config& config, const ParameterLayout& layout, int ranks) {
  if (config.train.reduction == Reduction::kFast) return Shares::replicated(layout, ranks);
  return {layout, find_algorithm(config.optimizer.name).scope, ranks};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
