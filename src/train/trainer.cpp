#include "lockstep/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/optim/norm.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "lockstep/train/predictions.hpp"

namespace lockstep {

namespace {

/// Activations of one block take at most about this much.
constexpr Index kBlockBytes = Index{256} << 20U;

OptimizerOptions optimizer_options(const Config& config, double learning_rate) {
  OptimizerOptions options = config.optimizer;
  options.hyperparameters["learning-rate"] = learning_rate;
  return options;
}

}  // namespace

Trainer::Trainer(const Config& config, const Problem& problem, Communicator& communicator)
    : config_(config),
      problem_(problem),
      communicator_(communicator),
      plan_(plan_training(config, problem.split.training_size())),
      sampler_(config.train.seed, problem.split.training_size(), plan_.batch_size),
      micro_batches_(config.train.reduction == Reduction::kFast ? communicator.size()
                                                                : config.train.micro_batches),
      model_(make_model(config, problem)),
      optimizer_(optimizer_options(config, plan_.learning_rate), model_.layout()),
      schedule_(config.schedule, plan_.total_steps),
      reducer_(make_gradient_reducer(config.train.reduction, communicator, model_.layout().size(),
                                     config.train.exchange)),
      most_rows_(kBlockBytes / (model_.values_per_row() * static_cast<Index>(sizeof(Real)))) {
  LOCKSTEP_CHECK(micro_batches_ >= communicator.size());
  if (config.train.noise_scale) noise_meter_.emplace(*reducer_, plan_.batch_size, micro_batches_);
  if (optimizer_.needs_hessian()) {
    hessian_reducer_.emplace(model_, *problem.loss, config.train.reduction, communicator,
                             config.train.exchange);
  }
  if (config.average_decay > 0) average_.emplace(config.average_decay, model_.layout().size());
  if (config.train.check_every > 0) check_replicas();
}

StepReport Trainer::step() {
  Stopwatch watch;
  compute_gradient();
  StepReport report = apply_gradient();
  report.seconds = watch.lap();
  return report;
}

std::span<const Real> Trainer::gradient_of(std::uint64_t step) {
  times_ = {};
  const GlobalBatch batch = sampler_.batch(step);
  loss_ = forward_backward(batch, step) / static_cast<double>(batch.size);
  Stopwatch watch;
  gradient_ = reducer_->finish(static_cast<Real>(batch.size));
  if (hessian_reducer_) hessian_ = hessian_reducer_->finish(static_cast<Real>(batch.size));
  times_.exchange += watch.lap();
  return gradient_;
}

StepReport Trainer::apply_gradient() {
  Stopwatch watch;
  const GlobalBatch batch = sampler_.batch(steps_done_);
  const double gradient_norm = norm(gradient_);
  if (!std::isfinite(gradient_norm)) {
    throw Diverged(fmt::format(
        "step {}: the gradient is not finite, though the loss is; lower optimizer.learning-rate or set "
        "optimizer.clip-norm",
        steps_done_ + 1));
  }
  const double multiplier = schedule_.multiplier(steps_done_);
  const double factor = config_.clip_norm > 0 ? clip_factor(gradient_norm, config_.clip_norm) : 1;
  optimizer_.step(model_.parameters(), gradient_, factor, multiplier, steps_done_ + 1,
                  {hessian_.data(), static_cast<std::size_t>(hessian_.size())});
  if (average_) average_->add(model_.parameters());
  ++steps_done_;
  if (steps_done_ == plan_.total_steps && !std::isfinite(norm(model_.parameters()))) {
    throw Diverged(fmt::format(
        "step {}: the weights are no longer finite; lower optimizer.learning-rate or set optimizer.clip-norm",
        steps_done_));
  }
  times_.optimizer = watch.lap();

  const std::uint64_t every = config_.train.check_every;
  if (every > 0 && (steps_done_ % every == 0 || steps_done_ == plan_.total_steps)) check_replicas();
  times_.exchange += watch.lap();
  return {.step = steps_done_,
          .epoch = static_cast<double>(batch.epoch) + static_cast<double>(batch.first + batch.size) /
                                                          static_cast<double>(problem_.split.training_size()),
          .loss = loss_,
          .learning_rate = optimizer_.learning_rate() * multiplier,
          .gradient_norm = gradient_norm,
          .samples = batch.size,
          .times = times_,
          .noise = noise_meter_ ? std::optional(noise_meter_->finish(gradient_norm)) : std::nullopt};
}

/// Forward, loss and backward of this rank's micro-batches, block by block, into the reducer. Returns the
/// summed loss of the whole global batch. Collective.
double Trainer::forward_backward(const GlobalBatch& batch, std::uint64_t step) {
  Stopwatch watch;
  const BatchPlan plan(batch.size, micro_batches_, communicator_.size());
  const Interval owned = plan.owned_by(communicator_.rank());
  std::vector<double> losses(static_cast<std::size_t>(owned.size()));

  reducer_->start(plan);
  if (noise_meter_) noise_meter_->start(plan, communicator_.rank(), step);
  if (hessian_reducer_) hessian_reducer_->start(plan);
  times_.exchange += watch.lap();
  for (const Block& block : cut_into_blocks(plan, communicator_.rank(), most_rows_)) {
    gather_rows(batch, block.rows);
    times_.gather += watch.lap();
    const RowBlock rows = row_block(block.micro_batches, step);
    const ConstMatrixView outputs = model_.forward(rows, features());

    std::vector<double> block_losses(block.micro_batches.size());
    problem_.loss->evaluate(rows, outputs, targets(), block_losses, model_.output_gradient(rows.rows()));
    // Micro-batches without samples are missing from the block.
    for (std::size_t i = 0; i < block_losses.size(); ++i) {
      losses[static_cast<std::size_t>(block.micro_batches[i].micro_batch - owned.first)] = block_losses[i];
    }
    times_.forward += watch.lap();
    if (hessian_reducer_) hessian_reducer_->add(rows, features(), outputs);
    const double in_sink = times_.weight_gradients + times_.tree_additions;
    TimedSink sink(noise_meter_ ? static_cast<GradientSink&>(*noise_meter_) : *reducer_, times_);
    model_.backward(rows, features(), sink);
    times_.backward += watch.lap() - (times_.weight_gradients + times_.tree_additions - in_sink);
  }

  if (noise_meter_) noise_meter_->gather(communicator_);
  const std::vector<double> all = gather_parts<double>(communicator_, micro_batches_, losses);
  times_.exchange += watch.lap();
  check_losses(plan, batch, all, step);
  return tree_sum(all, plan.presence());
}

void Trainer::gather_rows(const GlobalBatch& batch, Interval rows) {
  batch_.samples.resize(static_cast<std::size_t>(rows.size()));
  training_samples(problem_, sampler_, batch, rows.first, batch_.samples);
  gather(problem_.training, problem_.normalization, batch_);
}

RowBlock Trainer::row_block(std::span<const MicroBatchRows> micro_batches, std::uint64_t step) const {
  return {.micro_batches = micro_batches,
          .samples = batch_.samples,
          .training = true,
          .seed = config_.train.seed,
          .step = step};
}

ConstMatrixView Trainer::features() const { return {batch_.features.data(), batch_.rows(), model_.inputs()}; }

Targets Trainer::targets() const { return {batch_.labels, batch_.targets}; }

void Trainer::check_losses(const BatchPlan& plan, const GlobalBatch& batch, std::span<const double> losses,
                           std::uint64_t step) {
  const auto bad =
      std::find_if(losses.begin(), losses.end(), [](double loss) { return !std::isfinite(loss); });
  if (bad == losses.end()) return;
  constexpr Index kMostNamed = 8;
  const Index m = bad - losses.begin();
  const Interval rows = plan.rows(m);
  std::vector<Index> samples(static_cast<std::size_t>(std::min(rows.size(), kMostNamed)));
  training_samples(problem_, sampler_, batch, rows.first, samples);
  throw Diverged(
      fmt::format("step {}: the loss of micro-batch {} on rank {} is {} ({} samples: {}{}); lower "
                  "optimizer.learning-rate, set optimizer.clip-norm, or look at these samples",
                  step + 1, m, plan.owner(m), *bad, rows.size(), fmt::join(samples, ", "),
                  rows.size() > kMostNamed ? ", …" : ""));
}

void Trainer::check_replicas() {
  const std::vector<int> strangers = ranks_that_differ(communicator_, weights_digest(model_));
  if (strangers.empty()) return;
  fail_guard(
      "step {}: the weights of rank {} differ from those of the other ranks; look for another binary, "
      "another kind of CPU or bad memory there",
      steps_done_, fmt::join(strangers, ", "));
}

std::vector<Real> Trainer::plain_gradient() {
  const GlobalBatch batch = sampler_.batch(steps_done_);
  gather_rows(batch, {0, batch.size});
  std::vector<Real> gradient(static_cast<std::size_t>(model_.layout().size()));
  lockstep::plain_gradient(model_, *problem_.loss, row_block({}, steps_done_), features(), targets(),
                           gradient);
  for (Real& value : gradient) value /= static_cast<Real>(batch.size);
  return gradient;
}

void Trainer::with_average(const std::function<void()>& action) {
  const std::span<Real> average = average_->values();
  const auto swap = [&] { std::swap_ranges(average.begin(), average.end(), model_.parameters().begin()); };
  swap();
  action();
  swap();
}

Evaluation Trainer::evaluate(const Selection& selection) {
  return lockstep::evaluate(model_, *problem_.loss, problem_.normalization, selection, communicator_);
}

nlohmann::ordered_json Trainer::examine(const Selection& selection, const std::string& part) {
  return examine_predictions(model_, *problem_.loss, problem_.normalization, selection, part, communicator_);
}

}  // namespace lockstep
