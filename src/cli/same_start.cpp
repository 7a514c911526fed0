#include "cli/same_start.hpp"

#include "core/machine.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/parallel/agreement.hpp"

namespace lockstep {

void check_same_program(Communicator& world, const std::string& command) {
  if (world.size() == 1) return;
  const std::string different = differences(world, {{"the command", command.empty() ? "none" : command},
                                                    {"the version", kVersion},
                                                    {"the program's digest", program_digest()}});
  if (!different.empty()) fail_input("{}; start the same program on all ranks", different);
}

void check_same_arguments(Communicator& world, const Arguments& arguments) {
  if (world.size() == 1) return;
  Facts facts;
  for (const std::string& word : arguments.positional) facts["the rest"] += word + " ";
  for (const auto& [name, value] : arguments.options) facts["--" + name] = value;
  for (const auto& [name, values] : arguments.lists) facts["--" + name] = join(values);
  for (const auto& [key, value] : arguments.settings) facts[key] = value.text;
  const std::string different = differences(world, facts);
  if (!different.empty()) fail_input("{}; give all ranks the same", different);
}

}  // namespace lockstep
