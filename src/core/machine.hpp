#pragma once

#include <string>

namespace lockstep {

/// The processor's name, or "unknown". Local.
std::string cpu_model();

/// The name that this host has for itself. Local.
std::string host_name();

/// Digest of the file that this process runs, or "unknown". Local.
std::string program_digest();

}  // namespace lockstep
