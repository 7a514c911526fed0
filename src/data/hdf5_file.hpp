#pragma once

#include <filesystem>
#include <memory>

#include "data/array_set.hpp"

namespace lockstep {

/// The arrays of an HDF5 file: the data sets of its root group, of any layout that stands in the file itself,
/// in either order of bytes. Memory is taken only for what the file can hold. The library itself is
/// not proof against files that were made to harm: damaged records of its own may end the process. Errors,
/// with the library's words: no HDF5 file, damaged data, a filter that the library does not have.
std::unique_ptr<ArraySet> open_hdf5_file(const std::filesystem::path& file);

}  // namespace lockstep
