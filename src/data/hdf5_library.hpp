#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "data/array_set.hpp"

namespace lockstep {

/// What open_hdf5_file gives, by the HDF5 library in this process, which damaged records of the library's own
/// may end: for a child process. Memory is taken only for what a file of `stored_bytes` can hold. Errors,
/// with the library's words: no HDF5 file, damaged data, a filter that the library does not have.
std::unique_ptr<ArraySet> open_by_hdf5_library(const std::filesystem::path& file, std::uint64_t stored_bytes);

/// Errors, with `name`: `bytes` that no compressed file of `stored_bytes` can hold.
void check_plausible(const std::string& name, std::uint64_t bytes, std::uint64_t stored_bytes);

}  // namespace lockstep
