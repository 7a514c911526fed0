#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lockstep::log {

/// Only the process with `rank` 0 prints; the others are silent until their `error`. Call once, at start.
void set_rank(int rank);

/// From here on `wording` gives the text of every line that should worry: the place where a program puts the
/// words of its users for those of the library. Local.
void set_wording(std::string (*wording)(std::string_view line));

/// From here on every line also goes to `file`, which is replaced unless `append`; only on rank 0. That it
/// can't be written is reported once. A slow reader of the standard streams then holds nothing up: what it
/// does not take yet is kept. Local.
void open_file(const std::filesystem::path& file, bool append = false);

/// A line for the person: on standard output, on rank 0 only.
void info(std::string_view line);

/// A line that should worry: on standard error, on rank 0 only.
void warn(std::string_view line);

/// The same on whichever rank it is, for what is that rank's or its node's own matter.
void warn_here(std::string_view line);

/// A warning of what is met again with every training of a command: a line that was printed is left out.
void warn_once(std::string_view line);

/// A warning of what is met again in other words, after another line of the same `subject`.
void warn_once(std::string_view line, std::string_view subject);

/// Shows `line`, as far as it fits, in place of the line shown before, where standard output is a terminal
/// (also through mpirun); nothing elsewhere.
void status(std::string_view line);

/// Returns when all lines are written that the readers of the standard streams did not take yet, however long
/// that takes; but after a second if it may not wait, or once a signal asks for the end. Session::run ends
/// with it. Local.
void finish(bool may_wait = true);

/// The errno with which a line for standard output could not be written there, or 0. Local.
int lost_output();

/// Whether the person looks at a terminal, other than TERM=dumb; under mpirun that is mpirun's own standard
/// output. There labels are bold unless NO_COLOR is set.
bool is_terminal();

}  // namespace lockstep::log
