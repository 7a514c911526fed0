#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/data/batch.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/optim/weight_average.hpp"
#include "lockstep/parallel/balance.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/gradient_reducer.hpp"
#include "lockstep/parallel/hessian_reducer.hpp"
#include "lockstep/parallel/replica.hpp"
#include "lockstep/parallel/share_vectors.hpp"
#include "lockstep/parallel/shared_batch_sums.hpp"
#include "lockstep/parallel/shares.hpp"
#include "lockstep/parallel/step_facts.hpp"
#include "lockstep/train/evaluation.hpp"
#include "lockstep/train/noise_scale.hpp"
#include "lockstep/train/problem.hpp"
#include "lockstep/train/step_times.hpp"
#include "lockstep/train/training_options.hpp"
#include "lockstep/train/training_plan.hpp"
#include "lockstep/train/training_state.hpp"
#include "lockstep/train/unit_times.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Where a step is not finite, in words.
struct NonFinite;

/// One optimizer step as metrics.jsonl has it; the same on every rank except its times.
struct StepReport {
  std::uint64_t step = 0;  ///< counted from 1
  double epoch = 0;        ///< epochs done, in parts
  double loss = 0;         ///< mean over the global batch, by the weights of its samples if these have such
  double weight = 0;       ///< the sum of those, or the number of samples
  bool skipped = false;    ///< not taken: the loss or the gradient is not finite
  double learning_rate = 0;
  double gradient_norm = 0;  ///< of that mean's gradient, before clipping
  Index samples = 0;
  double seconds = 0;
  StepTimes times;
  std::optional<GradientNoise> noise = std::nullopt;  ///< where train.noise-scale asks for it
};

/// What happens around a step; what a hook does has to be the same on every rank.
struct Hooks {
  /// The step's report: it is done.
  std::function<void(const StepReport& report)> after_step = {};
  /// The mean gradient over the global batch is there. A rank that leaves this goes on to step its share of
  /// the weights, which ranks of a node read in one place.
  std::function<void()> before_update = {};
  /// The step has stopped on its own guard (Error of exit code 3), which is thrown on after this.
  std::function<void(const Error& error)> on_failure = {};
};

/// Errors: a `network` or an augmentation that does not fit the data of `problem`, a batch larger than they
/// are, a precision that this CPU does not have; a warm-up longer than the training, an optimizer that does
/// not fit network or loss. Local.
void check_training(const Network& network, const Problem& problem, const TrainingOptions& options);

/// Trains one network together with the other ranks of `communicator`: each rank computes the gradients of
/// its micro-batches, and steps the parameters that it owns.
class Trainer {
 public:
  /// Trains `network` from the parameters that it has, the same on every rank, or where it has none yet from
  /// those of Network::initialize, each drawn by its owner alone. There are at least as many micro-batches as
  /// ranks. Collective. Errors: those of check_training; ranks with other networks, seeds or
  /// initializations.
  Trainer(Communicator& communicator, Network network, Problem problem, TrainingOptions options);

  const TrainingOptions& options() const { return options_; }
  const TrainingPlan& plan() const { return plan_; }
  std::uint64_t steps_done() const { return steps_done_; }
  /// Of one step; with the fast reduction, one a rank.
  int micro_batches() const { return micro_batches_; }
  /// Who computes which of them in the next step: see Balance. Local, and the same on every rank.
  const std::vector<Interval>& owned_micro_batches() const { return balance_.owned(); }
  /// Which ranks exchange through memory that they share.
  const Nodes& nodes() const { return topology_.nodes(); }

  /// Takes steps until `last` of them are done, and the hooks where there are such. Where a loss or the
  /// gradient is not finite, options.on_nonfinite has the step skipped, or the training stopped: weights,
  /// optimizer and average stay as they were. Collective. Errors (exit code 3, the same on every rank):
  /// Diverged where a loss, the gradient or, at the end, a weight is not finite; replicas that differ. Those
  /// of the hooks.
  void run(std::uint64_t last, const Hooks& hooks = {});
  /// All steps that are left.
  void run(const Hooks& hooks = {}) { run(plan_.total_steps, hooks); }
  /// The next step.
  StepReport step();

  /// All of the gradient that was computed last. Collective.
  std::vector<Real> whole_gradient() { return lockstep::whole_gradient(*reducer_, shares_, communicator_); }

  /// The mean gradient, at the current weights, of the global batch that step `step` (from 0) takes.
  /// Collective. Errors: Diverged.
  std::vector<Real> gradient_of(std::uint64_t step);

  /// Evaluates the current weights. Collective.
  Evaluation evaluate(const Selection& selection);

  /// examine_predictions with the current weights. Collective.
  nlohmann::ordered_json examine(const Selection& selection, const std::string& part);

  /// Errors: Diverged where a weight is not finite, the same on every rank. Collective.
  void check_weights();
  /// What is checked after the last step, for who ends the training before that. Collective. Errors: replicas
  /// that differ; those of check_weights.
  void check_end();

  /// The training as it stands after the last step: the vectors on rank 0, only the step elsewhere. They are
  /// copies that stay as they are until the next call. Collective.
  TrainingState state();

  /// Goes on from rank 0's `state`, whatever the rank count it was taken at; the other ranks' is not looked
  /// at. Collective. Errors: vectors of another network or optimizer.
  void restore(const TrainingState& state);

  /// Writes the weights, with what `evaluate` needs to know of them, to a safetensors file. Collective.
  /// Errors: it can't be written.
  void save(const std::filesystem::path& file);

  /// The network as this rank trains it. With Precision::kBfloat16 on several nodes, the weights of products
  /// that other nodes own stand here as the bfloat16 that the products use.
  const Network& network() const { return network_; }
  /// The network with all parameters exactly as their owners have them, which stay so until the next step.
  /// Collective.
  Network& whole_network();
  /// Whether network() has them so already. Local, and the same on every rank.
  bool has_whole_network() const { return replica_->is_complete(); }
  /// Whether messages between nodes are compressed. Local, and the same on every rank.
  bool compresses() const { return topology_.compresses(); }
  /// What this rank has sent of gradients and parameters to other nodes so far; without train.reduction =
  /// fast, of which the message library doesn't tell. Local.
  SentBytes sent() const { return topology_.sent(); }
  /// Whether a moving average of the weights is kept.
  bool has_average() const { return average_.has_value(); }
  /// The trace of all ranks so far, where train.timeline asks for one. Collective.
  std::optional<std::string> timeline() const;

  /// Calls `action` while the model holds the average in the place of the weights. Collective.
  void with_average(const std::function<void()>& action);

  /// From the next step on, unit_times() tells what units took in the last step. Local.
  void time_units();
  const UnitTimes& unit_times() const { return unit_clock_->times(); }

  /// The gradient of the global batch of the coming step in one piece: no micro-batches, no ranks. Only where
  /// the network mixes the samples of micro-batches, it is that of one after another. Local.
  std::vector<Real> plain_gradient();

 private:
  /// A step's plan and this rank's blocks of it.
  struct Work {
    BatchPlan plan;
    std::vector<Block> blocks;
  };

  void start_parameters(const std::vector<ParameterRange>& owned);
  void compute_gradient(std::uint64_t step);
  StepReport apply_gradient();
  void forward_backward(const Work& work, const GlobalBatch& batch, std::uint64_t step, GradientSink& sink);
  void sum_gradient();
  NonFinite second_pass();
  static std::vector<double> weights_of(const Problem& problem);
  double divisor_of(const GlobalBatch& batch, std::uint64_t step) const;
  const Work& work_on(const GlobalBatch& batch);
  void take_rows(const GlobalBatch& batch, std::uint64_t step, Interval rows);
  void gather_ahead(std::uint64_t step);
  RowBlock row_block(std::span<const MicroBatchRows> micro_batches, std::uint64_t step) const;
  ConstMatrixView features() const;
  Targets targets() const;
  std::uint64_t updates_done() const { return steps_done_ - skipped_.total; }
  NonFinite find_nonfinite(std::uint64_t step);
  void skip(const NonFinite& place);
  void update(double multiplier);
  void rebalance();
  void lap_exchange(double waited_before);
  double seconds_waited() const { return reducer_->seconds_waited() + replica_->seconds_waited(); }
  BatchSums* batch_sums() { return batch_sums_ ? &*batch_sums_ : nullptr; }
  void lap_batch_sums();
  void check_replicas();
  std::vector<NamedState> owned_state();
  void set_own_parameters(std::span<const Real> packed);

  const TrainingOptions options_;
  const Problem problem_;
  Communicator& communicator_;
  TrainingPlan plan_;
  Sampler sampler_;
  std::vector<double> weights_;  // of the training set's samples, where the loss has such
  int micro_batches_;
  Network network_;
  Topology topology_;
  Balance balance_;
  bool has_new_owners_ = false;  // since the last step
  Shares shares_;
  std::unique_ptr<Replica> replica_;  // holds the model's parameters
  std::unique_ptr<GradientReducer> reducer_;
  std::optional<SharedBatchSums> batch_sums_;  // where the network needs such
  StepFacts facts_;
  Optimizer optimizer_;
  Schedule schedule_;
  std::optional<NoiseMeter> noise_meter_;          // before the reducer, where it is asked for
  std::optional<HessianReducer> hessian_reducer_;  // where the optimizer needs it
  std::optional<WeightAverage> average_;
  std::shared_ptr<GatheredVectors> gathered_;  // what state() has copied, from its first call on
  std::uint64_t steps_done_ = 0;
  SkippedSteps skipped_;        // of those
  std::map<Index, Work> work_;  // of balance_, by the size of the batch: an epoch's last may be smaller
  Batch batch_;
  Batch next_batch_;
  std::optional<std::pair<std::uint64_t, Interval>> gathered_ahead_;  // step and rows that next_batch_ holds
  std::vector<double> block_losses_;
  Eigen::MatrixXd hessian_;
  double loss_ = 0;
  double divisor_ = 1;        // of the sums over the batch
  std::vector<double> sums_;  // for the network's statistics
  std::optional<Timeline> timeline_;
  StepClock clock_;
  std::optional<UnitClock> unit_clock_;  // after time_units()
};

}  // namespace lockstep::inline LOCKSTEP_REAL
