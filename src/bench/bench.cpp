#include "lockstep/bench/bench.hpp"

#include <algorithm>
#include <limits>
#include <memory>

#include "machine.hpp"

#include "lockstep/core/error.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

namespace {

constexpr double kRoundSeconds = 0.3;
constexpr Index kMostSteps = 200;

/// A trainer on some of the ranks, and the steps that it was seen to take.
class Candidate {
 public:
  /// On the first `ranks` ranks. Collective over `world`.
  Candidate(Config config, const Problem& problem, Communicator& world, int ranks)
      : config_(std::move(config)), group_(world.split(world.rank() < ranks ? 0 : 1)) {
    if (world.rank() < ranks) trainer_ = std::make_unique<Trainer>(config_, problem, *group_);
  }

  /// Takes steps for about kRoundSeconds; ranks outside the group sleep. Collective over `world`.
  void round(Communicator& world) {
    if (trainer_) {
      if (steps_ == 0) steps_ = choose_steps();
      std::vector<StepReport> reports;
      reports.reserve(static_cast<std::size_t>(steps_));
      for (Index i = 0; i < steps_; ++i) reports.push_back(whole_step());
      keep(reports);
    }
    world.idle_barrier(std::numeric_limits<double>::infinity());
  }

  StepMeasurement result() const { return {median(seconds_), median_times()}; }
  const Trainer& trainer() const { return *trainer_; }

 private:
  /// Rank 0's choice for all. Collective over the group.
  Index choose_steps() {
    whole_step();
    Index steps = std::clamp<Index>(static_cast<Index>(kRoundSeconds / whole_step().seconds), 2, kMostSteps);
    group_->broadcast(std::as_writable_bytes(std::span(&steps, 1)), 0);
    return steps;
  }

  /// The next step on a full batch: the last one of an epoch may be smaller.
  StepReport whole_step() {
    StepReport report = trainer_->step();
    while (report.samples < trainer_->plan().batch_size) report = trainer_->step();
    return report;
  }

  void keep(const std::vector<StepReport>& reports) {
    std::vector<double> seconds;
    seconds.reserve(reports.size());
    StepTimes mean;
    for (const StepPart part : all_step_parts()) {
      for (const StepReport& report : reports)
        mean[part] += report.times[part] / static_cast<double>(reports.size());
    }
    for (const StepReport& report : reports) seconds.push_back(report.seconds);
    seconds_.push_back(median(seconds));
    times_.push_back(mean);
  }

  StepTimes median_times() const {
    StepTimes result;
    for (const StepPart part : all_step_parts()) {
      std::vector<double> values;
      values.reserve(times_.size());
      for (const StepTimes& times : times_) values.push_back(times[part]);
      result[part] = median(values);
    }
    return result;
  }

  Config config_;
  std::unique_ptr<Communicator> group_;
  std::unique_ptr<Trainer> trainer_;
  Index steps_ = 0;  // of a round
  std::vector<double> seconds_;
  std::vector<StepTimes> times_;
};

}  // namespace

BenchReport run_bench(Config config, Communicator& communicator, Index rounds) {
  constexpr Index kFewestRounds = 3;
  if (rounds < kFewestRounds) fail_input("--rounds {}: a median needs at least {}", rounds, kFewestRounds);
  resolve_micro_batches(config, communicator.size());
  const Problem problem = make_problem(config, communicator);
  const int ranks = communicator.size();
  Candidate configured(config, problem, communicator, ranks);
  std::unique_ptr<Candidate> one_rank;
  std::unique_ptr<Candidate> fast;
  if (ranks > 1) one_rank = std::make_unique<Candidate>(config, problem, communicator, 1);
  if (config.train.reduction == Reduction::kReproducible) {
    Config changed = config;
    changed.train.reduction = Reduction::kFast;
    fast = std::make_unique<Candidate>(changed, problem, communicator, ranks);
  }

  const Trainer& trainer = configured.trainer();
  BenchReport report;
  report.ranks = ranks;
  report.micro_batches = trainer.micro_batches();
  report.batch_size = trainer.plan().batch_size;
  report.parameters = trainer.model().layout().size();
  report.operations = operations_per_sample(trainer.model()) * static_cast<double>(report.batch_size);
  report.limits = measure_machine(config, trainer.model(), report.batch_size, communicator, rounds);
  for (Index round = 0; round < rounds; ++round) {
    configured.round(communicator);
    if (one_rank) one_rank->round(communicator);
    if (fast) fast->round(communicator);
  }
  report.step = configured.result();
  if (communicator.rank() == 0 && one_rank) report.one_rank_seconds = one_rank->result().seconds;
  if (fast) report.fast_seconds = fast->result().seconds;
  return report;
}

}  // namespace lockstep
