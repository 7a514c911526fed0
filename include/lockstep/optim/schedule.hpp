#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "lockstep/core/hyperparameter.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

/// The shape of the schedule, and its settings.
struct ScheduleOptions {
  std::string name = "constant";
  std::uint64_t warmup_steps = 0;
  Hyperparameters hyperparameters = {};  ///< of the shape; its defaults where nothing is given
};

/// The course of the multiplier after the warm-up. To add one: write its function in schedule_shapes.cpp and
/// list it there; configuration, help and tests take it from the list.
struct ScheduleShape {
  std::string name;
  std::vector<Hyperparameter> hyperparameters;
  /// The multiplier at step t of T, counted from 0 after the warm-up; T >= 1, t may be larger.
  double (*multiplier)(const Hyperparameters& values, double t, double total) = nullptr;
  bool needs_total = false;  ///< whether T matters
};

/// All shapes, in the order of their help. f is the final multiplier.
/// - constant: 1.
/// - step: factor^⌊t / every⌋ (torch StepLR).
/// - exponential: factor^t (torch ExponentialLR).
/// - polynomial: f + (1 - f) (1 - t/T)^power (torch PolynomialLR, f = 0).
/// - cosine: f + (1 - f) (1 + cos π t/T) / 2, one cycle of Loshchilov, Hutter: SGDR, arXiv 1608.03983, eq. 5
///   (torch CosineAnnealingLR).
/// - cosine-restarts: the same over cycles of T₀, T₀ T_mult, T₀ T_mult², … steps (period, period-factor),
///   back at 1 at the start of each (torch CosineAnnealingWarmRestarts).
/// - one-cycle: from `initial` up to 1 over the part `rise` of the steps, then down to f, both by half a
///   cosine (Smith, Topin: Super-convergence, arXiv 1708.07120, as torch OneCycleLR, which leaves the
///   momentum alone with cycle_momentum = False).
const std::deque<ScheduleShape>& schedule_shapes();

/// Makes another shape known, also to configurations. Before the first configuration is read. Errors: a name
/// that is known, or no word.
void register_schedule_shape(ScheduleShape shape);

/// The shape called `name`. Errors: an unknown name (the known ones are listed).
const ScheduleShape& find_schedule_shape(const std::string& name);

/// The multiplier of the learning rate: a pure function of the step, counted from 0 in optimizer steps.
/// Warm-up: (step + 1) / warmup_steps of where the shape begins, over any shape (Goyal et al., arXiv
/// 1706.02677, section 2.2).
class Schedule {
 public:
  /// For a run of `total_steps`. Errors: an unknown name; a warm-up longer than the run.
  Schedule(ScheduleOptions options, std::uint64_t total_steps);

  double multiplier(std::uint64_t step) const;

 private:
  ScheduleOptions options_;
  std::uint64_t total_steps_;
  const ScheduleShape& shape_;
};

/// How the learning rate grows with the global batch.
enum class BatchScaling { kNone, kLinear, kSqrt };

/// What the learning rate is multiplied with for `batch_size` samples a step where it was chosen for
/// `reference_batch`: 1, B / B₀ (Goyal et al., arXiv 1706.02677, section 2.1), or √(B / B₀) (Krizhevsky,
/// arXiv 1404.5997, section 5).
double batch_scale(BatchScaling scaling, Index batch_size, Index reference_batch);

}  // namespace lockstep
