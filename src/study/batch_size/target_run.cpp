#include "study/batch_size/target_run.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/weights.hpp"

namespace lockstep {

namespace {

/// Of the steps done, the part that may pass between two evaluations.
constexpr std::uint64_t kEvaluationPart = 16;

std::uint64_t next_evaluation(std::uint64_t step) {
  return step + std::max<std::uint64_t>(step / kEvaluationPart, 1);
}

void add_noise(std::vector<NoiseSums>& noise, const StepReport& report, double samples) {
  const auto range = static_cast<std::size_t>(std::bit_width(report.step) - 1);
  if (noise.size() <= range) noise.resize(range + 1);
  NoiseSums& sums = noise[range];
  sums.steps += 1;
  sums.samples = samples;
  if (!report.noise || std::isnan(report.noise->estimate.square)) return;
  sums.square += report.noise->estimate.square;
  sums.variance += report.noise->estimate.variance;
}

/// What `value` was when the shortfall passed zero.
double at_target(double before, double now, double shortfall_before, double shortfall_now) {
  return before + (now - before) * shortfall_before / (shortfall_before - shortfall_now);
}

}  // namespace

std::string end_name(TargetRun::End end) {
  if (end == TargetRun::End::kReached) return "reached";
  return end == TargetRun::End::kStopped ? "stopped" : "diverged";
}

TargetRun train_to_target(const Config& config, const Problem& problem, const Target& target,
                          const Selection& held_out, double most_steps, Communicator& communicator,
                          const std::function<void(const TargetEvaluation&)>& see,
                          const std::function<void(const StepReport&, const TrainingPlan&)>& after_step) {
  Trainer trainer(communicator, make_model(config, problem), problem, config.training);
  TargetRun run{.batch_size = trainer.plan().batch_size,
                .learning_rate = trainer.plan().learning_rate,
                .seed = config.training.seed,
                .weights_digest = {}};
  TargetEvaluation last{.evaluation = trainer.evaluate(held_out)};
  if (const std::string reason = nonfinite_text(last.evaluation); !reason.empty()) {
    fail_input(
        "--target {}: the held-out loss of the initial weights is not finite: {}; look at the data there",
        target.text(), reason);
  }
  double shortfall = target.shortfall(target.measured(last.evaluation));
  if (shortfall <= 0) {
    fail_input("--target {}: the initial weights reach it ({} {:.4g}); give one that takes training",
               target.text(), target.quantity(), target.measured(last.evaluation));
  }
  see(last);
  try {
    while (shortfall > 0 && static_cast<double>(last.step) < most_steps) {
      TargetEvaluation now = last;
      const auto count = [&](const StepReport& report) {
        now.step = report.step;
        now.samples += static_cast<double>(report.samples);
        now.seconds += report.seconds;
        add_noise(run.noise, report, now.samples);
        after_step(report, trainer.plan());
      };
      const double next = std::min(static_cast<double>(next_evaluation(last.step)), std::ceil(most_steps));
      trainer.run(static_cast<std::uint64_t>(next), {.after_step = count});
      now.evaluation = trainer.evaluate(held_out);
      if (!std::isfinite(now.evaluation.loss)) throw Diverged("the held-out loss is no longer finite");
      see(now);
      const double before = shortfall;
      shortfall = target.shortfall(target.measured(now.evaluation));
      const auto of = [&](double a, double b) {
        return shortfall <= 0 && last.step > 0 ? at_target(a, b, before, shortfall) : b;
      };
      run.steps = of(static_cast<double>(last.step), static_cast<double>(now.step));
      run.samples = of(last.samples, now.samples);
      run.seconds = of(last.seconds, now.seconds);
      last = now;
    }
    run.end = shortfall <= 0 ? TargetRun::End::kReached : TargetRun::End::kStopped;
  } catch (const Diverged&) {
    run.end = TargetRun::End::kDiverged;
  }
  run.steps_done = trainer.steps_done();
  run.measured = target.measured(last.evaluation);
  run.weights_digest = weights_digest(trainer.whole_network());
  return run;
}

std::vector<NoiseSums> pooled_noise(const std::vector<TargetRun>& runs) {
  std::vector<NoiseSums> pooled;
  for (const TargetRun& run : runs) {
    if (pooled.size() < run.noise.size()) pooled.resize(run.noise.size());
    for (std::size_t range = 0; range < run.noise.size(); ++range) {
      const NoiseSums& sums = run.noise[range];
      NoiseSums& all = pooled[range];
      all = {std::max(all.steps, sums.steps), all.square + sums.square, all.variance + sums.variance,
             std::max(all.samples, sums.samples)};
    }
  }
  return pooled;
}

double noise_scale(const NoiseSums& sums) {
  return sums.square > 0 ? sums.variance / sums.square : std::numeric_limits<double>::infinity();
}

double predicted_critical_batch(const std::vector<TargetRun>& runs) {
  const auto batch = static_cast<double>(runs.front().batch_size);
  double progress = 0;
  double needed = 0;
  for (const NoiseSums& sums : pooled_noise(runs)) {
    if (sums.variance == 0) continue;
    const double part = 1 / (1 + noise_scale(sums) / batch);
    progress += sums.steps * part;
    needed += sums.steps * batch * (1 - part);  // the scale times the progress, also where it is infinite
  }
  return progress > 0 ? needed / progress : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace lockstep
