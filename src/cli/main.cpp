#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/same_start.hpp"
#include "core/named.hpp"
#include "core/refusal.hpp"
#include "core/signals.hpp"
#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "core/vector_unit.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/comm/watchdog.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/version.hpp"
#include "lockstep/session/session.hpp"
#include "lockstep/train/with_keys.hpp"

namespace lockstep {

namespace {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {train_command(),   study_command(),    sweep_command(),
                                           report_command(),  evaluate_command(), predict_command(),
                                           export_command(),  verify_command(),   gradcheck_command(),
                                           inspect_command(), schedule_command(), bench_command()};
  return all;
}

const Command& find_command(const std::string& name) {
  const Command* const found = find_named(commands(), name);
  if (found == nullptr) {
    const std::vector<std::string> names = names_of(commands());
    fail_input("unknown command '{}'; known are: {}{}", name, join(names), suggestion(name, names));
  }
  return *found;
}

/// Whether all ranks take part, not rank 0 alone.
bool needs_ranks(const std::vector<std::string>& words, const Launch& launch) {
  if (read_help(words) || words[0] == "--version") return false;
  if (launch.is_of_several_programs) return true;  // which commands they are the ranks find out together
  const Command* const command = find_named(commands(), words[0]);
  return command != nullptr && command->needs_ranks;
}

/// Seconds that ranks may stand still: for all of a command, however many trainings it makes of the settings.
double timeout_of(const GivenValues& settings) {
  const auto own = settings.find("run.timeout");
  return make_config(own == settings.end() ? GivenValues() : GivenValues{*own}).run.timeout;
}

void tell(const HelpRequest& help) {
  const Command* const command = find_named(commands(), help.command);
  std::string text = help.command.empty() ? help_of_program(commands())
                     : command == nullptr ? help_of_settings(help.command, commands())
                                          : help_of_command(*command, help.topic, commands());
  text.pop_back();  // the last line's end, which is the log's
  log::info(text);
}

void run(const std::vector<std::string>& words, Communicator& world) {
  check_same_program(world, words.empty() ? "" : words[0]);
  if (const auto help = read_help(words)) return tell(*help);
  if (words[0] == "--version") {
    return log::info(fmt::format("lockstep {}, vector unit {}", kVersion, to_text(vector_unit())));
  }

  const Command& command = find_command(words[0]);
  const Arguments arguments =
      parse_arguments({words.begin() + 1, words.end()}, command.options, command.unused);
  check_same_arguments(world, arguments);
  if (!command.takes_paths && !arguments.positional.empty()) {
    fail_input("'{}': unexpected; settings are given as --section.key VALUE", arguments.positional.front());
  }
  if (!command.takes_settings && !arguments.settings.empty()) {
    const auto& [key, value] = *arguments.settings.begin();
    fail_input("{} ({}): '{}' takes no settings; remove it", key, value.origin, command.name);
  }
  refuse_unused(arguments.settings, command.unused, fmt::format("'{}'", command.name));
  if (command.takes_settings) set_watch_timeout(timeout_of(arguments.settings));
  command.run(arguments, world);
  if (command.prints_result) refuse_lost_output();
}

}  // namespace

void refuse_lost_output() {
  if (log::lost_output() == 0) return;
  fail_input("standard output: cannot be written, and with it the result is lost {}",
             because(log::lost_output(), "let something read it"));
}

namespace {

int main(const std::vector<std::string>& words) {
  log::set_wording(with_keys);
  const Command* const command = words.empty() ? nullptr : find_named(commands(), words[0]);
  std::optional<StopSignals> stops;
  if (command != nullptr && command->stops_itself) stops.emplace();

  const Launch launch = read_launch();
  const bool takes_all = needs_ranks(words, launch);
  const bool is_one_of_several = launch.rank > 0 && !launch.has_ended;
  if (!takes_all && is_one_of_several) return static_cast<int>(ExitCode::kSuccess);
  Session session(takes_all);
  return session.run([&] { run(words, session.world()); });
}

/// A standard descriptor that the caller has closed would be that of the next file, and what is printed would
/// go there.
void open_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDWR);  // takes the smallest that is free
  }
}

}  // namespace

}  // namespace lockstep

int main(int argc, char** argv) {
  lockstep::hold_signals();
  lockstep::open_standard_descriptors();
  const std::vector<std::string> words(argv + 1, argv + argc);
  return lockstep::main(words);
}
