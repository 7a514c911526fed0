#include "bench/bench.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/machine.hpp"
#include "lockstep/core/error.hpp"
#include "train/step/timed_training.hpp"

namespace lockstep {

namespace {

/// Collective.
std::vector<NodeExchange> exchange_by_node(Communicator& communicator, const StepTimes& own) {
  const std::vector<StepTimes> times = all_gather(communicator, own);
  std::vector<NodeExchange> nodes;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    const std::string host = communicator.name(rank).host;
    if (nodes.empty() || nodes.back().host != host) nodes.push_back({.host = host});
    const StepTimes& part = times[static_cast<std::size_t>(rank)];
    NodeExchange& node = nodes.back();
    ++node.ranks;
    node.overlapped += part[StepPart::kOverlapped];
    node.exposed += part[StepPart::kExchange] + part[StepPart::kWaiting];
    node.waiting += part[StepPart::kWaiting];
  }
  if (nodes.size() == 1) return {};
  for (NodeExchange& node : nodes) {
    for (double* sum : {&node.overlapped, &node.exposed, &node.waiting}) *sum /= node.ranks;
  }
  return nodes;
}

}  // namespace

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
    changed.training.wire = Wire::kReal;
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
  report.owned = trainer.owned_micro_batches();
  report.nodes = exchange_by_node(communicator, report.step.times);
  // With messages between all ranks, those inside a host are counted as well.
  if (!report.nodes.empty() && trainer.nodes().count() == std::ssize(report.nodes))
    report.node_sent = report.step.sent * ranks / trainer.nodes().count();
  report.compresses = trainer.compresses();
  if (communicator.rank() == 0 && one_rank) report.one_rank_seconds = one_rank->result().seconds;
  if (fast) report.fast_seconds = fast->result().seconds;
  if (config.checkpoint.every > 0) {
    report.checkpoints =
        measure_checkpoints(config, problem, communicator, static_cast<std::size_t>(rounds * kPairsARound));
  }
  return report;
}

}  // namespace lockstep
