#pragma once

#include <cstdint>
#include <filesystem>

namespace lockstep {

/// Bytes of memory that this process may still take: what the system has (MemAvailable of /proc/meminfo), or
/// less where a control group (versions 1 and 2, also one that holds its own) or the limit of its data
/// (ulimit -d) leaves less. What the system could take back of a group's files counts as free. The files of
/// the system are those below `root`. Local.
std::uint64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace lockstep
