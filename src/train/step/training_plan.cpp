#include "lockstep/train/training_plan.hpp"

#include <algorithm>

#include "lockstep/data/sampler.hpp"
#include "lockstep/optim/algorithm.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

Index settled_batch_size(Index given, Index training_samples) {
  if (given == 0) return training_samples;
  if (given != kAutomaticBatch) return given;
  constexpr Index kUsual = 256;
  constexpr Index kLeast = 8;
  constexpr Index kStepsOfAnEpoch = 20;
  Index size = kUsual;
  while (size > kLeast && size * kStepsOfAnEpoch > training_samples) size /= 2;
  return std::min(size, training_samples);
}

}  // namespace

std::uint64_t TrainingPlan::next_epoch_end(std::uint64_t done) const {
  const auto steps = static_cast<std::uint64_t>(steps_per_epoch);
  return std::min((done / steps + 1) * steps, total_steps);
}

TrainingPlan plan_training(const TrainingOptions& options, Index training_samples) {
  TrainingPlan plan;
  plan.batch_size = settled_batch_size(options.batch_size, training_samples);
  plan.steps_per_epoch = Sampler(options.seed, training_samples, plan.batch_size).steps_per_epoch();
  plan.total_steps =
      options.steps > 0 ? options.steps : static_cast<std::uint64_t>(options.epochs * plan.steps_per_epoch);
  plan.learning_rate = options.optimizer.hyperparameters.at("learning-rate") *
                       batch_scale(options.batch_scaling, plan.batch_size, options.reference_batch);
  return plan;
}

Shares plan_shares(const TrainingOptions& options, const ParameterLayout& layout, int ranks) {
  if (options.reduction == Reduction::kFast) return Shares::replicated(layout, ranks);
  return {layout, find_algorithm(options.optimizer.name).scope, ranks};
}

std::vector<ParameterRange> rounded_parameters(const TrainingOptions& options,
                                               const ParameterLayout& layout) {
  std::vector<ParameterRange> ranges;
  if (options.precision != Precision::kBfloat16) return ranges;
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (tensor.is_factor) ranges.push_back(tensor.range);
  }
  return ranges;
}

int rounded_levels(const TrainingOptions& options) {
  return options.wire == Wire::kBfloat16 ? options.wire_levels : 0;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
