#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/optim/weight_average.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"
#include "lockstep/parallel/hessian_reducer.hpp"
#include "lockstep/train/config.hpp"
#include "lockstep/train/evaluation.hpp"
#include "lockstep/train/noise_scale.hpp"
#include "lockstep/train/problem.hpp"
#include "lockstep/train/step_times.hpp"
#include "lockstep/train/training_plan.hpp"

namespace lockstep {

/// One optimizer step as metrics.jsonl has it; the same on every rank except its times.
struct StepReport {
  std::uint64_t step = 0;  ///< counted from 1
  double epoch = 0;        ///< epochs done, in parts
  double loss = 0;         ///< mean over the global batch
  double learning_rate = 0;
  double gradient_norm = 0;  ///< of the mean gradient, before clipping
  Index samples = 0;
  double seconds = 0;
  StepTimes times;
  std::optional<GradientNoise> noise = std::nullopt;  ///< where train.noise-scale asks for it
};

/// Trains one replica in step with the other ranks of `communicator`.
class Trainer {
 public:
  /// config.train.micro_batches is settled and at least the group's size. Collective.
  /// Errors: those of make_model and Schedule.
  Trainer(const Config& config, const Problem& problem, Communicator& communicator);

  const TrainingPlan& plan() const { return plan_; }
  std::uint64_t steps_done() const { return steps_done_; }
  /// Of one step; with the fast reduction, one a rank.
  int micro_batches() const { return micro_batches_; }

  /// One step on the next global batch. Collective.
  /// Errors (exit code 3, the same on every rank): a loss, a gradient or, at the end, a weight that is not
  /// finite; replicas that differ.
  StepReport step();

  /// The two halves of a step, for whoever wants to look in between. First the mean gradient over the global
  /// batch, valid until the next one is computed; then clipping, schedule and the optimizer's update.
  /// Collective.
  std::span<const Real> compute_gradient() { return gradient_of(steps_done_); }
  StepReport apply_gradient();

  /// The mean gradient, at the current weights, of the global batch that step `step` (from 0) takes; valid
  /// until the next one is computed. Collective.
  std::span<const Real> gradient_of(std::uint64_t step);

  /// Evaluates the current weights. Collective.
  Evaluation evaluate(const Selection& selection);

  /// examine_predictions with the current weights. Collective.
  nlohmann::ordered_json examine(const Selection& selection, const std::string& part);

  const Model& model() const { return model_; }
  /// Whether a moving average of the weights is kept.
  bool has_average() const { return average_.has_value(); }
  /// Calls `action` while the model holds the average in the place of the weights. Local but for `action`.
  void with_average(const std::function<void()>& action);
  /// The gradient of the global batch of the coming step in one piece: no micro-batches, no ranks. Local.
  std::vector<Real> plain_gradient();

 private:
  double forward_backward(const GlobalBatch& batch, std::uint64_t step);
  void gather_rows(const GlobalBatch& batch, Interval rows);
  RowBlock row_block(std::span<const MicroBatchRows> micro_batches, std::uint64_t step) const;
  ConstMatrixView features() const;
  Targets targets() const;
  void check_losses(const BatchPlan& plan, const GlobalBatch& batch, std::span<const double> losses,
                    std::uint64_t step);
  void check_replicas();

  const Config& config_;
  const Problem& problem_;
  Communicator& communicator_;
  TrainingPlan plan_;
  Sampler sampler_;
  int micro_batches_;
  Model model_;
  Optimizer optimizer_;
  Schedule schedule_;
  std::unique_ptr<GradientReducer> reducer_;
  std::optional<NoiseMeter> noise_meter_;          // before the reducer, where it is asked for
  std::optional<HessianReducer> hessian_reducer_;  // where the optimizer needs it
  std::optional<WeightAverage> average_;
  Index most_rows_;
  std::uint64_t steps_done_ = 0;
  Batch batch_;
  std::span<const Real> gradient_;
  Eigen::MatrixXd hessian_;
  double loss_ = 0;
  StepTimes times_;
};

}  // namespace lockstep
