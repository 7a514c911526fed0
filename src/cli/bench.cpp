#include "bench/bench.hpp"

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "core/json.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

void run_bench(const Arguments& arguments, Communicator& world) {
  const Config config = make_config(arguments.settings);
  if (config.checkpoint.every == 0) {
    refuse_unused(arguments.settings, {"run.dir"}, "'bench' without checkpoint.every");
  }
  const BenchReport report = run_bench(config, world, count_option(arguments, "rounds"));
  if (arguments.options.contains("json")) return log::info(json_text(to_json(report)));
  for (const std::string& line : to_lines(report)) log::info(line);
}

}  // namespace

Command bench_command() {
  return {
      .name = "bench",
      .usage = "[--rounds N] [--json] [--config FILE] [--section.key VALUE …]",
      .brief = "Measures this machine, and the configured training step on it.",
      .details =
          "It prints the limits, where the time of a step goes, the scaling over one rank, the cost of the "
          "promise and, with checkpoint.every, of checkpoints in run.dir. Start it under mpirun, ranks bound "
          "to cores.",
      .examples = {"mpirun -np 4 --bind-to core lockstep bench --config configs/quickstart.cfg",
                   "lockstep bench --rounds 9 --json --data.source blobs --model.layers \"linear 512, relu, "
                   "linear 4\""},
      .options = {{"rounds", "5", "readings of which the median counts"},
                  {"json", "", "print one line of JSON instead", true}},
      .unused = {"run.resume", "run.name", "run.notes", "run.tags", "run.tensorboard", "checkpoint.minutes",
                 "checkpoint.keep", "checkpoint.best", "train.timeline", "train.patience", "train.watch"},
      .prints_result = true,
      .run = run_bench};
}

}  // namespace lockstep
