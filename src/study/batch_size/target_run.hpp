#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/train/trainer.hpp"
#include "study/batch_size/target.hpp"

namespace lockstep {

/// Noise estimates of a range of steps, added up.
struct NoiseSums {
  double steps = 0;
  double square = 0;
  double variance = 0;
  double samples = 0;  ///< of the training up to the range's end
};

/// A training that ended when it reached its target, or was stopped before.
struct TargetRun {
  enum class End { kReached, kStopped, kDiverged };

  Index batch_size = 0;
  double learning_rate = 0;  ///< as given; a schedule may change it from step to step
  std::uint64_t seed = 0;
  End end = End::kStopped;
  double steps = 0;  ///< to the target, or to the end where it was not reached
  double samples = 0;
  double seconds = 0;            ///< inside steps, on this rank; no evaluation
  std::uint64_t steps_done = 0;  ///< until the evaluation that saw the target
  double measured = 0;           ///< by the last evaluation
  std::string weights_digest;
  /// By step, from the start: the steps 1, 2-3, 4-7, 8-15, …
  std::vector<NoiseSums> noise = {};

  bool reached() const { return end == End::kReached; }
};

/// "reached", "stopped", "diverged".
std::string end_name(TargetRun::End end);

/// One evaluation of a training.
struct TargetEvaluation {
  std::uint64_t step = 0;
  double samples = 0;
  double seconds = 0;
  Evaluation evaluation;
};

/// Trains `config` until `held_out` reaches `target`, or for `most_steps`. It is evaluated before the first
/// step, after each of the first 16, and then whenever a sixteenth more steps are done; `see` gets every
/// evaluation, and `after_step` every step with the plan of a whole training. Between the evaluation that
/// sees the target and the one before, steps, samples and seconds are interpolated, linearly in the loss or
/// accuracy, but never below the first step. The same on every rank but for the seconds. Collective. Errors:
/// those of training, divergence excepted; a target that the initial weights reach, or at which their loss is
/// not finite.
TargetRun train_to_target(const Config& config, const Problem& problem, const Target& target,
                          const Selection& held_out, double most_steps, Communicator& communicator,
                          const std::function<void(const TargetEvaluation&)>& see,
                          const std::function<void(const StepReport&, const TrainingPlan&)>& after_step);

/// B_crit as the gradients alone predict it, from trainings at the same batch B: the noise scale's mean over
/// the steps, each weighed with the progress that it makes, 1 / (1 + noise scale / B) of a step without noise
/// (McCandlish et al., arXiv 1812.06162, appendix D). NaN where nothing was measured.
double predicted_critical_batch(const std::vector<TargetRun>& runs);

/// The noise of several trainings, range by range; steps are those of the longest, samples its.
std::vector<NoiseSums> pooled_noise(const std::vector<TargetRun>& runs);

/// tr Σ / |G|² of sums; infinite where no gradient is seen.
double noise_scale(const NoiseSums& sums);

}  // namespace lockstep
