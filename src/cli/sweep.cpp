#include "study/sweep/sweep.hpp"

#include "cli/commands.hpp"

namespace lockstep {

namespace {

void run_sweep(const Arguments& arguments, Communicator& world) {
  const auto sweeps = arguments.lists.find("sweep");
  run_sweep({.settings = arguments.settings,
             .sweeps = sweeps == arguments.lists.end() ? std::vector<std::string>() : sweeps->second,
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
      .brief = "Trains every combination of the values of some settings; leaves a table and a page.",
      .details =
          "VALUES are separated by commas, or by '|' where they hold commas; each is a value or a "
          "range:\n  1e-4:1e-1:log7  7 numbers, the same ratio between neighbours\n  0:0.5:lin6      6 "
          "numbers, the same distance between neighbours\n  16:16384:x4     16, 64, 256 … up to "
          "16384\nStarted again with the same run.dir after an interruption, it goes on where it was.",
      .examples =
          {"lockstep sweep --sweep optimizer.learning-rate=1e-3:1:log4 --config configs/quickstart.cfg",
           "lockstep sweep --halving 3 --sweep optimizer.learning-rate=1e-4:1:log27 --config my.cfg",
           "mpirun -np 4 lockstep sweep --groups 4 --sweep train.seed=1,2,3,4 --config my.cfg"},
      .options = {{.name = "sweep",
                   .default_value = "",
                   .help = "a setting and its values; may be given several times",
                   .is_list = true},
                  {"groups", "1", "groups of ranks, each of which trains one point at a time"},
                  {"evaluations", "5", "measurements of each training"},
                  {"halving", "1",
                   "successive halving: only the best 1/N of the settings go on from rung to rung; 1: all "
                   "are trained to their end"},
                  {"rungs", "14", "of successive halving, at most; fewer begin with longer trainings"}},
      .unused = unused_in_sweeps(),
      .run = run_sweep};
}

}  // namespace lockstep
