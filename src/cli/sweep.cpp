#include "study/sweep/sweep.hpp"

#include <cstdint>
#include <map>

#include "cli/commands.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// Errors: how to draw is given, but not how many.
Samples samples_of(const Arguments& arguments) {
  Samples samples;
  const std::map<std::string, std::string>& options = arguments.options;
  for (const char* const name : {"sampling", "sampling-seed"}) {
    if (options.contains(name) && !options.contains("samples")) {
      fail_input("--{} {}: has no effect without --samples N; give that, or remove it", name,
                 options.at(name));
    }
  }
  if (!options.contains("samples")) return samples;
  samples.count = count_option(arguments, "samples");
  if (options.contains("sampling")) samples.sampling = parse_sampling(options.at("sampling"));
  if (options.contains("sampling-seed")) {
    samples.seed = static_cast<std::uint64_t>(count_option(arguments, "sampling-seed"));
  }
  return samples;
}

void run_sweep(const Arguments& arguments, Communicator& world) {
  const auto sweeps = arguments.lists.find("sweep");
  run_sweep({.settings = arguments.settings,
             .sweeps = sweeps == arguments.lists.end() ? std::vector<std::string>() : sweeps->second,
             .samples = samples_of(arguments),
             .groups = count_option(arguments, "groups"),
             .evaluations = count_option(arguments, "evaluations"),
             .halving = count_option(arguments, "halving"),
             .rungs = count_option(arguments, "rungs")},
            world);
}

}  // namespace

Command sweep_command() {
  return {
      .name = "sweep",
      .usage = "--sweep KEY=VALUES [--sweep …] [--groups N] [--config FILE] [--section.key VALUE …]",
      .brief = "Trains settings from lists and ranges; leaves a table, a page and the best weights.",
      .details =
          "VALUES are separated by commas, or by '|' where they hold commas; each is a value or a "
          "range:\n  1e-4:1e-1:log7  7 numbers, the same ratio between neighbours\n  0:0.5:lin6      6 "
          "numbers, the same distance between neighbours\n  16:16384:x4     16, 64, 256 … up to "
          "16384\n  1e-4:1e-1:log   any number between, by its logarithm, with --samples N\n  "
          "0:0.5:lin       any number between, with --samples N\nWith --samples N, N settings are drawn: "
          "numbers from ranges without a count (whole numbers where the setting is one), and of listed "
          "values "
          "one with equal chances; seeds are not drawn but repeat every setting. Started again with a "
          "greater "
          "N, the sweep goes on with more.\nStarted again with the same run.dir after an interruption, it "
          "goes on where it was.",
      .examples =
          {"lockstep sweep --sweep optimizer.learning-rate=1e-3:1:log4 --config configs/quickstart.cfg",
           "lockstep sweep --samples 27 --halving 3 --sweep optimizer.learning-rate=1e-4:1:log --config "
           "a.cfg",
           "mpirun -np 4 lockstep sweep --groups 4 --sweep train.seed=1,2,3,4 --config my.cfg"},
      .options = {{.name = "sweep",
                   .default_value = "",
                   .help = "a setting and its values; may be given several times",
                   .is_list = true},
                  {"samples", "", "settings to draw; without it, every combination is trained"},
                  {"sampling", "",
                   "sobol (the default: numbers that fill the ranges evenly) or random, with --samples"},
                  {"sampling-seed", "", "of the drawn settings (default 1), with --samples"},
                  {"groups", "1", "groups of ranks, each of which trains one point at a time"},
                  {"evaluations", "5", "measurements of each training"},
                  {"halving", "1",
                   "successive halving: only the best 1/N of the settings go on from rung to rung; 1: all "
                   "are trained to their end"},
                  {"rungs", "14", "of successive halving, at most; fewer begin with longer trainings"}},
      .unused = unused_in_sweeps(),
      .stops_itself = true,
      .run = run_sweep};
}

}  // namespace lockstep
