#pragma once

#include <string>
#include <sys/types.h>

namespace lockstep {

/// The processor's name, or "unknown". Local.
std::string cpu_model();

/// The name that this host has for itself. Local.
std::string host_name();

/// The process that started `process`, or one that took it over; 0 where it can't be told. Local.
pid_t parent_of(pid_t process);

/// Whether `process`, which is of the same user and is ending, does so by its own exit, and not by a signal.
/// False once nobody knows any more. Local.
bool ends_by_itself(pid_t process);

/// Digest of the file that this process runs, or "unknown". Local.
std::string program_digest();

}  // namespace lockstep
