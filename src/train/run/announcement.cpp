#include "train/run/announcement.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "core/machine.hpp"
#include "core/text.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/parallel/batch_plan.hpp"
#include "lockstep/parallel/nodes.hpp"

namespace lockstep {

namespace {

/// What the number of micro-batches costs between the nodes, where sums go from node to node.
void announce_nodes(const Trainer& trainer) {
  const bool sums_by_node = trainer.options().reduction == Reduction::kReproducible &&
                            trainer.options().exchange == Exchange::kAuto;
  const Nodes& nodes = trainer.nodes();
  if (!sums_by_node || nodes.count() == 1) return;
  const Index sums = sums_between(trainer.micro_batches(), nodes);
  std::string text =
      fmt::format("nodes    {}; each sends at most {} of the gradient", nodes.count(), count_of(sums, "sum"));
  if (sums > 1) {
    const auto nearest = nearest_with_one_sum(trainer.micro_batches(), nodes);
    text += nearest ? fmt::format("; with train.micro-batches = {} it would be one (other bits)", *nearest)
                    : "; no number that all ranks share evenly would make it one";
  }
  if (trainer.options().wire == Wire::kBfloat16) {
    const int levels = levels_between(trainer.micro_batches(), nodes);
    text +=
        levels <= trainer.options().wire_levels
            ? "; all in bfloat16"
            : fmt::format("; some in float32, for all in bfloat16 set train.wire-levels = {} (other bits)",
                          levels);
  }
  if (trainer.compresses()) text += "; compressed without loss";
  log::info(text);
}

/// Warns where somebody has set another bound than the default, and what has to pass together on rank 0
/// exceeds it.
void announce_memory(const Trainer& trainer) {
  const TrainingOptions& options = trainer.options();
  if (options.activation_memory == kActivationMemory) return;
  const bool is_whole = trainer.network().needs_whole_batch();
  const BatchPlan plan(trainer.plan().batch_size, trainer.owned_micro_batches());
  Index rows = 0;
  for (const Block& block : cut_into_blocks(plan, 0, is_whole ? plan.batch_size() : 1)) {
    rows = std::max(rows, block.rows.size());
  }
  constexpr Index kMebibyte = Index{1} << 20U;
  const Index needed = (rows * trainer.network().bytes_of_row() + kMebibyte - 1) / kMebibyte;
  if (needed <= options.threads * options.activation_memory) return;
  std::string text = fmt::format(
      "train.activation-memory = {}: {} ({}) passes as one and takes {} MiB; put units in recompute(…)",
      options.activation_memory, is_whole ? "rank 0's part of the batch" : "a micro-batch",
      count_of(rows, "sample"), needed);
  if (is_whole) {
    text += ", or take 'batch-norm micro' (other bits)";
  } else if (options.reduction == Reduction::kReproducible) {
    text += ", or raise train.micro-batches (other bits)";
  }
  log::warn(text);
}

}  // namespace

void announce_run(const Trainer& trainer, const Problem& problem, const Communicator& communicator,
                  const std::filesystem::path& folder, std::optional<std::uint64_t> resumed) {
  const DatasetDescription& data = problem.training.description();
  const Network& network = trainer.network();
  if (resumed) log::info(fmt::format("resume   after step {}", *resumed));
  log::info(fmt::format("data     {}: {} of {}", data.name,
                        count_of(problem.split.training_size(), "training sample"),
                        count_of(data.features(), "feature")));
  if (!data.columns.empty()) log::info(fmt::format("columns  {}", summary(data.columns)));
  log::info(fmt::format("network  {} ({})", network.text(), count_of(network.layout().size(), "parameter")));
  log::info(fmt::format("run      {} on {}, {} micro-batch{} a step, into {}",
                        count_of(static_cast<std::int64_t>(trainer.plan().total_steps), "step"),
                        count_of(communicator.size(), "rank"), trainer.micro_batches(),
                        trainer.micro_batches() == 1 ? "" : "es", folder.string()));
  const bool is_on_several_hosts = !communicator.name(0).host.empty();
  if (is_on_several_hosts) announce_nodes(trainer);
  announce_memory(trainer);
  if (threads() > available_cpus()) {
    log::warn(fmt::format(
        "train.threads = {}, but rank 0 may use {} CPU{}; give each rank as many: mpirun --map-by slot:PE={}",
        threads(), available_cpus(), available_cpus() == 1 ? "" : "s", threads()));
  }
}

}  // namespace lockstep
