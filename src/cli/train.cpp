#include "cli/commands.hpp"
#include "lockstep/comm/mpi.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/train/run.hpp"

namespace lockstep {

namespace {

void run_train(const Arguments& arguments, Communicator& world) {
  const auto resume = arguments.options.find("resume");
  if (resume != arguments.options.end() && resume->second.empty()) {
    fail_input("--resume: names no directory; give that of the run to go on with");
  }
  run_training(arguments.settings, resume == arguments.options.end() ? "" : resume->second, world,
               mpi_library());
}

}  // namespace

Command train_command() {
  return {
      .name = "train",
      .usage = "[--config FILE] [--resume RUN_DIR] [--section.key VALUE …]",
      .brief = "Trains a network on all ranks and leaves a run directory.",
      .details =
          "Ctrl-C, SIGTERM, SIGUSR1 or SIGHUP stop it with a checkpoint and exit code 4; --resume goes on, "
          "on any number of ranks, to the same weights.",
      .examples =
          {"lockstep train --data.source blobs --model.layers \"linear 32, relu, linear 4\"",
           "mpirun -np 4 lockstep train --config configs/quickstart.cfg --run.dir runs/a --train.epochs 20",
           "mpirun -np 2 lockstep train --resume runs/a"},
      .options = {{"resume", "", "go on from the newest checkpoint of the run in this directory"}},
      .stops_itself = true,
      .run = run_train};
}

}  // namespace lockstep
