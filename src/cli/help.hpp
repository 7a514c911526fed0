#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands.hpp"

namespace lockstep {

/// What a person asks to be told.
struct HelpRequest {
  std::string command;  ///< empty: about the program; or what is no command, but a setting
  std::string topic;    ///< empty: the settings that are used most; "all"; a section; a key, whole or in part
};

/// `lockstep [--help]`, `lockstep help [COMMAND [TOPIC]]`, `lockstep help KEY` or `lockstep COMMAND … --help
/// [TOPIC]`, with -h as well as --help; nothing where `words`, those after the program's name, are none of
/// these.
std::optional<HelpRequest> read_help(const std::vector<std::string>& words);

/// What the program can do, one line a command.
std::string help_of_program(const std::vector<Command>& commands);

/// How `command` is used; on a topic, the settings of that topic that have an effect on it, and where it is
/// one setting, which of all `commands` take it. In whole lines, as the text about the program is. Errors:
/// there are no such settings.
std::string help_of_command(const Command& command, const std::string& topic,
                            const std::vector<Command>& commands);

/// The same of the settings `asked` for, whatever commands take them. Errors: there are none; the nearest
/// setting or command is named.
std::string help_of_settings(const std::string& asked, const std::vector<Command>& commands);

}  // namespace lockstep
