#pragma once

#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// One command of the program. `run` is collective over all ranks of the program, or over rank 0 alone.
struct Command {
  std::string name;
  std::string usage;    ///< what follows the name
  std::string brief;    ///< one sentence, for the list of all commands
  std::string details;  ///< what follows it in the command's help; lines that begin with spaces are entries,
                        ///< "  name  what it is"
  std::vector<std::string> examples;
  std::vector<CommandOption> options;
  bool takes_settings = true;
  bool takes_paths = false;              ///< words that are no options: Arguments::positional
  std::vector<std::string> unused = {};  ///< keys of no effect, and sections of them, see refuse_unused
  bool prints_result = false;            ///< on standard output, and leaves it nowhere else
  bool stops_itself = false;             ///< where a signal asks it to, see StopSignals
  bool needs_ranks = true;               ///< false: rank 0 runs it alone, and MPI does not start
  void (*run)(const Arguments& arguments, Communicator& world) = nullptr;
};

/// Errors: standard output could not be written, for a command that leaves its result nowhere else.
void refuse_lost_output();

Command train_command();
Command bench_command();
Command evaluate_command();
Command predict_command();
Command export_command();
Command verify_command();
Command inspect_command();
Command gradcheck_command();
Command report_command();
Command schedule_command();
Command study_command();
Command sweep_command();

}  // namespace lockstep
