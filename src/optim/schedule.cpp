#include "lockstep/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lockstep/core/error.hpp"

namespace lockstep {

Schedule::Schedule(ScheduleOptions options, std::uint64_t total_steps)
    : options_(std::move(options)), total_steps_(total_steps), shape_(find_schedule_shape(options_.name)) {
  options_.hyperparameters = with_defaults(shape_.hyperparameters, options_.hyperparameters);
  if (options_.warmup_steps > total_steps_) {
    fail_input("`warmup-steps` = {}: longer than the run of {} steps; shorten it or train longer",
               options_.warmup_steps, total_steps_);
  }
}

double Schedule::multiplier(std::uint64_t step) const {
  const std::uint64_t warmup = options_.warmup_steps;
  const auto total = static_cast<double>(std::max<std::uint64_t>(total_steps_ - warmup, 1));
  const auto shape = [&](double t) { return shape_.multiplier(options_.hyperparameters, t, total); };
  if (step < warmup) return shape(0) * (static_cast<double>(step + 1) / static_cast<double>(warmup));
  return shape(static_cast<double>(step - warmup));
}

double batch_scale(BatchScaling scaling, Index batch_size, Index reference_batch) {
  const double ratio = static_cast<double>(batch_size) / static_cast<double>(reference_batch);
  if (scaling == BatchScaling::kLinear) return ratio;
  return scaling == BatchScaling::kSqrt ? std::sqrt(ratio) : 1;
}

}  // namespace lockstep
