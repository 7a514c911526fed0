#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"
#include "lockstep/train/config.hpp"
#include "lockstep/train/evaluation.hpp"
#include "lockstep/train/problem.hpp"

namespace lockstep {

/// One optimizer step as metrics.jsonl has it; the same on every rank except `seconds`.
struct StepReport {
  std::uint64_t step = 0;  ///< counted from 1
  double epoch = 0;        ///< epochs done, in parts
  double loss = 0;         ///< mean over the global batch
  double learning_rate = 0;
  double gradient_norm = 0;  ///< of the mean gradient, before clipping
  Index samples = 0;
  double seconds = 0;
};

/// Trains one replica in step with the other ranks of `communicator`.
class Trainer {
 public:
  /// config.train.micro_batches is settled and at least the group's size. Collective.
  /// Errors: those of make_model and Schedule.
  Trainer(const Config& config, const Problem& problem, Communicator& communicator);

  std::uint64_t total_steps() const { return total_steps_; }
  Index steps_per_epoch() const { return sampler_.steps_per_epoch(); }
  std::uint64_t steps_done() const { return steps_done_; }
  /// Of one step; with the fast reduction, one a rank.
  int micro_batches() const { return micro_batches_; }

  /// One step on the next global batch. Collective.
  /// Errors (exit code 3, the same on every rank): a loss or gradient that is not finite; replicas that
  /// differ.
  StepReport step();

  /// The two halves of a step, for whoever wants to look in between. First the mean gradient over the global
  /// batch, valid until the next one is computed; then clipping, schedule and the optimizer's update.
  /// Collective.
  std::span<const Real> compute_gradient();
  StepReport apply_gradient();

  /// Evaluates the current weights. Collective.
  Evaluation evaluate(const Selection& selection);

  const Model& model() const { return model_; }
  /// The gradient of the global batch of the coming step in one piece: no micro-batches, no ranks. Local.
  std::vector<Real> plain_gradient();

 private:
  double forward_backward(const GlobalBatch& batch);
  void gather_rows(const GlobalBatch& batch, Interval rows);
  RowBlock row_block(std::span<const MicroBatchRows> micro_batches) const;
  ConstMatrixView features() const;
  Targets targets() const;
  void check_losses(const BatchPlan& plan, const GlobalBatch& batch, std::span<const double> losses);
  void check_replicas();

  const Config& config_;
  const Problem& problem_;
  Communicator& communicator_;
  Sampler sampler_;
  std::uint64_t total_steps_;
  int micro_batches_;
  Model model_;
  Optimizer optimizer_;
  Schedule schedule_;
  std::unique_ptr<GradientReducer> reducer_;
  Index most_rows_;
  std::uint64_t steps_done_ = 0;
  Batch batch_;
  std::span<const Real> gradient_;
  double loss_ = 0;
};

}  // namespace lockstep
