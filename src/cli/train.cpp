#include "commands.hpp"

#include "lockstep/comm/mpi.hpp"
#include "lockstep/train/run.hpp"

namespace lockstep {

namespace {

void run(const Arguments& arguments, Communicator& world) {
  run_training(make_config(arguments.settings), world, mpi_library());
}

}  // namespace

Command train_command() {
  return {.name = "train",
          .usage = "[--config FILE] [--section.key VALUE …]",
          .summary = "Trains a network on all ranks and leaves a run directory.",
          .options = {},
          .run = run};
}

}  // namespace lockstep
