#pragma once

#include <filesystem>
#include <memory>

#include "data/array_set.hpp"

namespace lockstep {

/// The arrays of an HDF5 file: the data sets of its root group, of any layout that stands in the file itself,
/// in either order of bytes. The HDF5 library, which damaged files can crash, works in child processes: one
/// for the names, and one for each array, from its opening on. Each may take `seconds` of processor time, and
/// as much longer as the file is large, for the samples that it reads together. Memory is taken only for what
/// the file can hold. Errors, with the library's words: no HDF5 file, damaged data, a filter that the library
/// does not have; a child that crashed or came to no end.
std::unique_ptr<ArraySet> open_hdf5_file(const std::filesystem::path& file, double seconds = 60);

}  // namespace lockstep
