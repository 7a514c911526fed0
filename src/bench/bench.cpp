#include "bench/bench.hpp"

#include <algorithm>
#include <memory>

#include "bench/machine.hpp"
#include "lockstep/core/error.hpp"
#include "train/step/timed_training.hpp"

namespace lockstep {

BenchReport run_bench(Config config, Communicator& communicator, Index rounds) {
  constexpr Index kFewestRounds = 3;
  constexpr Index kPairsARound = 10;  // of steps with a checkpoint and without: the disk scatters
  if (rounds < kFewestRounds) fail_input("--rounds {}: a median needs at least {}", rounds, kFewestRounds);
  resolve_micro_batches(config, communicator.size());
  const Problem problem = make_problem(config, communicator);
  const int ranks = communicator.size();
  TimedTraining configured(config, problem, communicator, ranks);
  std::unique_ptr<TimedTraining> one_rank;
  std::unique_ptr<TimedTraining> fast;
  if (ranks > 1) one_rank = std::make_unique<TimedTraining>(config, problem, communicator, 1);
  if (config.training.reduction == Reduction::kReproducible) {
    Config changed = config;
    changed.training.reduction = Reduction::kFast;
    fast = std::make_unique<TimedTraining>(changed, problem, communicator, ranks);
  }

  const Trainer& trainer = configured.trainer();
  BenchReport report;
  report.ranks = ranks;
  report.micro_batches = trainer.micro_batches();
  report.batch_size = trainer.plan().batch_size;
  report.parameters = trainer.network().layout().size();
  report.operations = operations_per_sample(trainer.network()) * static_cast<double>(report.batch_size);
  report.limits = measure_machine(config, trainer.network(), report.batch_size, communicator, rounds);
  for (Index round = 0; round < rounds; ++round) {
    configured.round();
    if (one_rank) one_rank->round();
    if (fast) fast->round();
  }
  report.step = configured.result();
  if (communicator.rank() == 0 && one_rank) report.one_rank_seconds = one_rank->result().seconds;
  if (fast) report.fast_seconds = fast->result().seconds;
  if (config.checkpoint.every > 0) {
    report.checkpoints =
        measure_checkpoints(config, problem, communicator, static_cast<std::size_t>(rounds * kPairsARound));
  }
  return report;
}

}  // namespace lockstep
