#include "lockstep/train/trainer.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/rank_status.hpp"
#include "data/mixup.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/bfloat16_products.hpp"
#include "lockstep/nn/linear_hessian.hpp"
#include "lockstep/optim/algorithm.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "optim/norm.hpp"
#include "train/evaluation/predictions.hpp"
#include "train/step/nonfinite.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

OptimizerOptions optimizer_options(const TrainingOptions& options, double learning_rate) {
  OptimizerOptions optimizer = options.optimizer;
  optimizer.hyperparameters["learning-rate"] = learning_rate;
  return optimizer;
}

/// What has to be settled before anything is computed or a thread is started. Collective.
TrainingOptions prepare(Communicator& communicator, const Network& network, const Problem& problem,
                        TrainingOptions options) {
  together(communicator, [&] { check_training(network, problem, options); });
  const std::string different = differences(
      communicator, {{"the network", network.text()},
                     {"its having parameters", network.has_parameters() ? "true" : "false"},
                     {"the seed", std::to_string(options.seed)},
                     {"the initialization", std::to_string(static_cast<int>(options.initialization))}});
  if (!different.empty()) fail_input("{}; give all ranks the same", different);
  set_threads(options.threads);
  return options;
}

/// Of messages that are Lockstep's own, and of float.
Compression compression_of(const TrainingOptions& options) {
  const bool is_possible = options.reduction == Reduction::kReproducible && std::is_same_v<Real, float>;
  return is_possible ? options.compression : Compression::kOff;
}

/// `action` is step `step` of an optimizer, which may diverge on one rank alone. Collective. Errors:
/// Diverged.
void step_together(Communicator& communicator, std::uint64_t step, const std::function<void()>& action) {
  try {
    together(communicator, action);
  } catch (const Error& error) {
    if (error.code() != ExitCode::kGuard) throw;
    throw Diverged(fmt::format("step {}: {}", step, error.what()));
  }
}

std::vector<ParameterRange> owned_ranges(const Shares& shares, int rank) {
  const std::vector<Share> owned = shares.owned_by(rank);
  std::vector<ParameterRange> ranges(owned.size());
  std::transform(owned.begin(), owned.end(), ranges.begin(), [](const Share& share) { return share.range; });
  return ranges;
}

}  // namespace

void check_training(const Network& network, const Problem& problem, const TrainingOptions& options) {
  check_outputs(network, problem.training.description());
  if (problem.loss->has_probabilities() && network.unit(network.units() - 1).text() == "softmax") {
    log::warn_once(fmt::format("lockstep: the loss {} takes the softmax itself; leave the last unit out",
                               problem.loss_name));
  }
  check_batch_size(options, problem.split);
  check_augmentation(problem.augmentation, problem.training.description());
  if (options.precision == Precision::kBfloat16 && !has_fast_bfloat16()) {
    log::warn_once(
        "lockstep: products in bfloat16 take longer here than in float32: this processor, or the vector unit "
        "that was chosen, has none of its own (AVX512_BF16)");
  }
  if (options.wire == Wire::kBfloat16 && options.reduction == Reduction::kFast) {
    fail_input(
        "`wire` = bf16: rounds the sums of the reproducible reduction; set `reduction` = reproducible, or "
        "`wire` = float32");
  }
  const TrainingPlan plan = plan_training(options, problem.split.training_size());
  if (options.noise_scale && problem.weighs_samples()) {
    fail_input("`noise-scale`: not known for a loss that weighs its samples; leave it out");
  }
  if (mixes(problem.augmentation) && problem.weighs_samples()) {
    fail_input("`augment` = {}: mixup is not known for a loss that weighs its samples; leave it out",
               to_text(problem.augmentation));
  }
  static_cast<void>(Schedule(options.schedule, plan.total_steps));
  if (find_algorithm(options.optimizer.name).needs_hessian) {
    static_cast<void>(LinearHessian(network, *problem.loss));
  }
}

Trainer::Trainer(Communicator& communicator, Network network, Problem problem, TrainingOptions options)
    : options_(prepare(communicator, network, problem, std::move(options))),
      problem_(std::move(problem)),
      communicator_(communicator),
      plan_(plan_training(options_, problem_.split.training_size())),
      sampler_(options_.seed, problem_.split.training_size(), plan_.batch_size),
      weights_(weights_of(problem_)),
      micro_batches_(options_.reduction == Reduction::kFast ? communicator.size() : options_.micro_batches),
      network_(std::move(network)),
      topology_(communicator, options_.exchange, compression_of(options_)),
      balance_(micro_batches_, topology_.nodes()),
      shares_(plan_shares(options_, network_.layout(), communicator.size())),
      replica_(make_replica(topology_, shares_, rounded_parameters(options_, network_.layout()))),
      reducer_(make_gradient_reducer(topology_, shares_, rounded_levels(options_))),
      batch_sums_(network_.needs_whole_batch() ? std::make_optional<SharedBatchSums>(topology_)
                                               : std::nullopt),
      facts_(communicator, shares_, micro_batches_, network_.sums()),
      optimizer_(optimizer_options(options_, plan_.learning_rate), network_.layout(),
                 owned_ranges(shares_, communicator.rank())),
      schedule_(options_.schedule, plan_.total_steps),
      timeline_(options_.timeline ? std::make_optional<Timeline>(communicator) : std::nullopt),
      clock_(timeline_ ? &*timeline_ : nullptr) {
  LOCKSTEP_CHECK(micro_batches_ >= communicator.size());
  network_.bound_activations(options_.activation_memory);
  if (options_.noise_scale) noise_meter_.emplace(*reducer_, plan_.batch_size, micro_batches_);
  if (optimizer_.needs_hessian()) {
    hessian_reducer_.emplace(network_, *problem_.loss, shares_.is_replicated(), topology_);
  }
  const std::vector<ParameterRange> owned = owned_ranges(shares_, communicator.rank());
  if (options_.average_decay > 0) average_.emplace(options_.average_decay, owned);
  start_parameters(owned);
}

void Trainer::start_parameters(const std::vector<ParameterRange>& owned) {
  const bool has_parameters = std::as_const(network_).has_parameters();
  // Every rank has brought its own; from here on the owners' count.
  if (has_parameters && options_.check_every > 0) check_replicas();
  const std::span<Real> parameters = replica_->values();
  for (const ParameterRange& range : owned) {
    if (has_parameters) {
      std::copy_n(network_.parameters().begin() + range.offset, range.size,
                  parameters.begin() + range.offset);
    } else {
      network_.draw(options_.seed, options_.initialization, range, parameters);
    }
  }
  replica_->publish();
  network_.use(parameters);
}

void Trainer::run(std::uint64_t last, const Hooks& hooks) {
  while (steps_done_ < last) {
    StepReport report;
    try {
      Stopwatch watch;
      compute_gradient(steps_done_);
      if (hooks.before_update) hooks.before_update();
      report = apply_gradient();
      report.seconds = watch.lap();
    } catch (const Error& error) {
      if (hooks.on_failure && error.code() == ExitCode::kGuard) hooks.on_failure(error);
      throw;
    }
    if (hooks.after_step) hooks.after_step(report);
  }
}

StepReport Trainer::step() {
  StepReport done;
  run(steps_done_ + 1, {.after_step = [&](const StepReport& report) { done = report; }});
  return done;
}

void Trainer::compute_gradient(std::uint64_t step) {
  const InStep in_step(step);
  set_threads(options_.threads);  // another trainer may have set others
  clock_.start(step);
  if (unit_clock_) unit_clock_->start_step();
  if (has_new_owners_) rebalance();
  const GlobalBatch batch = sampler_.batch(step);
  const Work& work = work_on(batch);
  if (noise_meter_) noise_meter_->start(work.plan, communicator_.rank(), step);
  divisor_ = divisor_of(batch, step);
  if (hessian_reducer_) hessian_reducer_->start(work.plan, work.blocks.size(), divisor_);
  forward_backward(work, batch, step, noise_meter_ ? static_cast<GradientSink&>(*noise_meter_) : *reducer_);
  gather_ahead(step + 1);  // while other ranks may still compute
  clock_.lap(StepPart::kGather);

  const double waited = seconds_waited();
  sum_gradient();
  if (hessian_reducer_) hessian_ = hessian_reducer_->finish();
  if (noise_meter_) noise_meter_->gather(communicator_);
  lap_exchange(waited);
  const std::span<const double> sums = facts_.sums(work.plan.presence());
  sums_.assign(sums.begin(), sums.end());
  loss_ = tree_sum(facts_.losses(), work.plan.presence()) / divisor_;
}

/// Ends what forward_backward has begun. Collective.
void Trainer::sum_gradient() {
  reducer_->finish();
  facts_.share(reducer_->squares(), clock_.times().computing());
}

/// The gradient of the coming step's batch at the weights that the optimizer asks for, in the place of the
/// first; dropout is the same. The weights are in their places again afterwards. Where it is not finite,
/// returns where that begins. Collective.
NonFinite Trainer::second_pass() {
  const GlobalBatch batch = sampler_.batch(steps_done_);
  const std::span<Real> parameters = network_.parameters();
  optimizer_.perturb(parameters, reducer_->gradient(), facts_.gradient_norm());
  clock_.lap(StepPart::kOptimizer);
  double waited = seconds_waited();
  replica_->publish();
  lap_exchange(waited);
  forward_backward(work_on(batch), batch, steps_done_, *reducer_);
  waited = seconds_waited();
  sum_gradient();  // nobody reads the weights any more
  lap_exchange(waited);
  NonFinite place;
  if (!facts_.are_finite()) {
    place = find_nonfinite(steps_done_);
    place += ", in the optimizer's second pass";
  }
  optimizer_.move_back(parameters);
  if (!place.text.empty()) replica_->publish();  // nobody else will, if the run stops
  return place;
}

std::vector<Real> Trainer::gradient_of(std::uint64_t step) {
  compute_gradient(step);
  if (!facts_.are_finite()) throw Diverged(find_nonfinite(step).text);
  return whole_gradient();
}

StepReport Trainer::apply_gradient() {
  InStep in_step(steps_done_);
  const GlobalBatch batch = sampler_.batch(steps_done_);
  const double gradient_norm = facts_.gradient_norm();
  const double multiplier = schedule_.multiplier(steps_done_);
  NonFinite place;  // where a gradient is not finite
  if (!facts_.are_finite()) {
    check_weights();  // that are not finite stay so
    place = find_nonfinite(steps_done_);
  } else if (optimizer_.has_two_passes()) {
    place = second_pass();
  }
  const bool skips = !place.text.empty();
  if (skips) {
    skip(place);
  } else {
    update(multiplier);
    network_.update_statistics(sums_, batch.size);
  }
  clock_.lap(StepPart::kOptimizer);
  const double waited = seconds_waited();
  replica_->publish();
  lap_exchange(waited);
  ++steps_done_;
  has_new_owners_ = balance_.add(facts_.seconds());
  const std::uint64_t every = options_.check_every;
  if (steps_done_ == plan_.total_steps) {
    check_end();
  } else if (every > 0 && steps_done_ % every == 0) {
    check_replicas();
  }
  in_step.done();
  return {.step = steps_done_,
          .epoch = static_cast<double>(batch.epoch) + static_cast<double>(batch.first + batch.size) /
                                                          static_cast<double>(problem_.split.training_size()),
          .loss = loss_,
          .weight = divisor_,
          .skipped = skips,
          .learning_rate = optimizer_.learning_rate() * multiplier,
          .gradient_norm = gradient_norm,
          .samples = batch.size,
          .times = clock_.times(),
          .noise = noise_meter_
                       ? std::optional(skips ? noise_meter_->skip() : noise_meter_->finish(gradient_norm))
                       : std::nullopt};
}

/// Hands the micro-batches to their new owners, where there is memory for the sums that those may hold.
/// Collective.
void Trainer::rebalance() {
  has_new_owners_ = false;
  work_.clear();
  const BatchPlan plan(plan_.batch_size, balance_.owned());
  const bool has_room = reducer_->has_room(plan) && (!hessian_reducer_ || hessian_reducer_->has_room(plan)) &&
                        (!batch_sums_ || batch_sums_->has_room(plan));
  if (!has_room) balance_.stop();
}

/// The optimizer's step, and the average's. Collective where it may fail.
void Trainer::update(double multiplier) {
  const double factor = options_.clip_norm > 0 ? clip_factor(facts_.gradient_norm(), options_.clip_norm) : 1;
  const auto step = [&] {
    optimizer_.step(network_.parameters(), reducer_->gradient(), factor, multiplier, updates_done() + 1,
                    {hessian_.data(), static_cast<std::size_t>(hessian_.size())});
  };
  if (optimizer_.needs_hessian()) {
    step_together(communicator_, steps_done_ + 1, step);
  } else {
    step();
  }
  if (average_) average_->add(network_.parameters());
  skipped_.in_a_row = 0;
}

/// The time since the last lap went into the exchange and, beyond `waited_before` seconds in all, into
/// waiting.
void Trainer::lap_exchange(double waited_before) {
  const double waited = seconds_waited() - waited_before;
  clock_.times()[StepPart::kWaiting] += waited;
  clock_.lap(StepPart::kExchange, waited);
}

std::optional<std::string> Trainer::timeline() const {
  if (!timeline_) return std::nullopt;
  return timeline_->to_json(communicator_);
}

void Trainer::with_average(const std::function<void()>& action) {
  const auto swap = [&] {
    replica_->publish();  // nobody reads any more
    average_->swap(network_.parameters());
    replica_->publish();
  };
  swap();
  action();
  swap();
}

Network& Trainer::whole_network() {
  replica_->complete();
  return network_;
}

Evaluation Trainer::evaluate(const Selection& selection) {
  return lockstep::evaluate(whole_network(), *problem_.loss, problem_.normalization, selection,
                            communicator_);
}

nlohmann::ordered_json Trainer::examine(const Selection& selection, const std::string& part) {
  return examine_predictions(whole_network(), *problem_.loss, problem_.normalization, selection, part,
                             communicator_);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
