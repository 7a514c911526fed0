// The rows of a step's batch that this rank computes, and its passes over them.

#include <algorithm>
#include <cmath>
#include <utility>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/gradient_check.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Forward, loss and backward of this rank's micro-batches, block by block, into the reducer through `sink`
/// and into the facts. Local, but for what the reducer already brings to other ranks.
void Trainer::forward_backward(const Work& work, const GlobalBatch& batch, std::uint64_t step,
                               GradientSink& sink) {
  const Interval owned = work.plan.owned_by(communicator_.rank());
  facts_.start(work.plan);
  const std::span<double> losses = facts_.own_losses();
  for (std::size_t i = 0; i < losses.size(); ++i) {  // of micro-batches without samples, which no block has
    losses[i] = 0;
    std::ranges::fill(facts_.own_sums(i), 0);
  }

  reducer_->start(work.plan, work.blocks.size(), divisor_);
  if (batch_sums_) batch_sums_->start(work.plan);
  clock_.lap(StepPart::kExchange);
  for (const Block& block : work.blocks) {
    take_rows(batch, step, block.rows);
    clock_.lap(StepPart::kGather);
    RowBlock rows = row_block(block.micro_batches, step);
    rows.batch = batch_sums();
    double before = clock_.times().sum();
    if (unit_clock_) unit_clock_->restart();
    const ConstMatrixView outputs = network_.forward(rows, features());

    block_losses_.resize(block.micro_batches.size());
    problem_.loss->evaluate(rows, outputs, targets(), block_losses_, network_.output_gradient(rows.rows()));
    if (unit_clock_) unit_clock_->lap(unit_clock_->times().loss);
    for (std::size_t i = 0; i < block_losses_.size(); ++i) {
      const auto own = static_cast<std::size_t>(block.micro_batches[i].micro_batch - owned.first);
      losses[own] = block_losses_[i];
      network_.write_sums(rows, features(), i, facts_.own_sums(own));
    }
    lap_batch_sums();
    clock_.lap(StepPart::kForward, clock_.times().sum() - before);
    if (hessian_reducer_) hessian_reducer_->add(rows, features(), outputs, batch_.weights);
    before = clock_.times().sum();
    if (unit_clock_) unit_clock_->restart();
    TimedSink timed(sink, clock_.times());
    network_.backward(rows, features(), timed);
    lap_batch_sums();
    clock_.lap(StepPart::kBackward, clock_.times().sum() - before);
  }
}

/// What the batch's sums waited since the last call counts as waiting.
void Trainer::lap_batch_sums() {
  if (batch_sums_) clock_.times()[StepPart::kWaiting] += batch_sums_->take_seconds_waited();
}

void Trainer::time_units() {
  unit_clock_.emplace(clock_.times());
  network_.observe([this](const Unit& unit, Pass pass) {
    lap_batch_sums();
    unit_clock_->lap(unit_clock_->times()(unit.kind(), pass));
  });
}

/// Of all samples of the training set; none where they count alike. Local. Errors: a weight below 0, or not
/// finite.
std::vector<double> Trainer::weights_of(const Problem& problem) {
  if (!problem.weighs_samples()) return {};
  std::vector<double> weights(static_cast<std::size_t>(problem.training.size()));
  Batch batch;
  for (Index sample = 0; sample < problem.training.size(); ++sample) {
    batch.samples = {sample};
    gather(problem.training, problem.normalization, batch);
    double& weight = weights[static_cast<std::size_t>(sample)];
    weight = problem.loss->total_weight(targets_of(batch), 0);
    if (weight >= 0 && std::isfinite(weight)) continue;
    fail_input("{}: the loss gives sample {} the weight {}; expected a finite number not below 0",
               problem.training.description().name, sample, weight);
  }
  return weights;
}

/// What the sums over the batch of step `step` are divided by: its samples, or their weights. Local, and the
/// same on every rank. Errors: all weights are 0.
double Trainer::divisor_of(const GlobalBatch& batch, std::uint64_t step) const {
  if (weights_.empty()) return static_cast<double>(batch.size);
  std::vector<Index> samples(static_cast<std::size_t>(batch.size));
  training_samples(problem_, sampler_, batch, 0, samples);
  double sum = 0;
  for (const Index sample : samples) sum += weights_[static_cast<std::size_t>(sample)];
  if (static_cast<Real>(sum) > 0) return sum;
  fail_input("step {}: the weights of all its samples are 0; leave such samples out, or take a larger batch",
             step + 1);
}

const Trainer::Work& Trainer::work_on(const GlobalBatch& batch) {
  const auto known = work_.find(batch.size);
  if (known != work_.end()) return known->second;
  const BatchPlan plan(batch.size, balance_.owned());
  std::vector<Block> blocks =
      cut_into_blocks(plan, communicator_.rank(), batch_sums_ ? batch.size : network_.rows_at_once());
  if (batch_sums_ && blocks.empty()) blocks.emplace_back();  // to take part in the sums
  return work_.emplace(batch.size, Work{plan, std::move(blocks)}).first->second;
}

/// The rows of step `step` into batch_, from what was gathered ahead if that is it.
void Trainer::take_rows(const GlobalBatch& batch, std::uint64_t step, Interval rows) {
  if (gathered_ahead_ == std::pair(step, rows)) {
    std::swap(batch_, next_batch_);
    gathered_ahead_.reset();
  } else {
    gather_rows(problem_, sampler_, batch, rows, batch_);
  }
}

/// The first rows that this rank will need in step `step`, if there will be one.
void Trainer::gather_ahead(std::uint64_t step) {
  if (step >= plan_.total_steps) return;
  const GlobalBatch batch = sampler_.batch(step);
  const Work& work = work_on(batch);
  if (work.blocks.empty()) return;
  gather_rows(problem_, sampler_, batch, work.blocks.front().rows, next_batch_);
  gathered_ahead_ = {step, work.blocks.front().rows};
}

RowBlock Trainer::row_block(std::span<const MicroBatchRows> micro_batches, std::uint64_t step) const {
  return {.micro_batches = micro_batches,
          .samples = batch_.samples,
          .training = true,
          .seed = options_.seed,
          .step = step,
          .precision = options_.precision};
}

ConstMatrixView Trainer::features() const {
  return {batch_.features.data(), batch_.rows(), network_.inputs()};
}

Targets Trainer::targets() const { return targets_of(batch_); }

std::vector<Real> Trainer::plain_gradient() {
  const GlobalBatch batch = sampler_.batch(steps_done_);
  const Index pieces = network_.mixes_samples() ? micro_batches_ : 1;
  std::vector<Real> sum(static_cast<std::size_t>(network_.layout().size()));
  std::vector<Real> gradient(sum.size());
  for (Index i = 0; i < pieces; ++i) {
    const Interval piece = part_of(batch.size, pieces, i);
    if (piece.size() == 0) continue;
    gather_rows(problem_, sampler_, batch, piece, batch_);
    lockstep::plain_gradient(network_, *problem_.loss, row_block({}, steps_done_), features(), targets(),
                             gradient);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += gradient[k];
  }
  const auto divisor = static_cast<Real>(divisor_of(batch, steps_done_));
  for (Real& value : sum) value /= divisor;
  return sum;
}

}  // namespace lockstep::inline LOCKSTEP_REAL
