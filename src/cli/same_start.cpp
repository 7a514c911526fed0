#include "cli/same_start.hpp"

#include <fmt/format.h>

#include "core/machine.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/nn/products.hpp"
#include "lockstep/parallel/agreement.hpp"

namespace lockstep {

void check_same_program(Communicator& world, const std::string& command) {
  if (world.size() == 1) return;
  const std::string different = differences(world, {{"the command", command.empty() ? "none" : command},
                                                    {"the version", kVersion},
                                                    {"the program's digest", program_digest()},
                                                    {"the product library", products_library()},
                                                    {"the vector unit", products_vector_unit()}});
  if (!different.empty()) {
    fail_input("{}; start the same program on all ranks, on the same kind of CPU", different);
  }
  const std::string cpus = differences(world, {{"the CPU", cpu_model()}});
  if (cpus.empty()) return;
  log::warn(fmt::format("lockstep: {}: bits may depend on which rank has which", cpus));
}

void check_same_arguments(Communicator& world, const Arguments& arguments) {
  if (world.size() == 1) return;
  Facts facts = {{"--help", arguments.help ? "given" : "not given"}};
  for (const std::string& word : arguments.positional) facts["the rest"] += word + " ";
  for (const auto& [name, value] : arguments.options) facts["--" + name] = value;
  for (const auto& [name, values] : arguments.lists) facts["--" + name] = join(values);
  for (const auto& [key, value] : arguments.settings) facts[key] = value.text;
  const std::string different = differences(world, facts);
  if (!different.empty()) fail_input("{}; give all ranks the same", different);
}

}  // namespace lockstep
