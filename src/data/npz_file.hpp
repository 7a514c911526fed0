#pragma once

#include <filesystem>
#include <memory>

#include "data/array_set.hpp"

namespace lockstep {

/// The arrays of a file that numpy.savez or numpy.savez_compressed wrote: a ZIP archive of NPY files. Memory
/// is taken only for what the file can hold. Errors: no such archive, other compressions, encryption, a
/// checksum that disagrees.
std::unique_ptr<ArraySet> open_npz_file(const std::filesystem::path& file);

}  // namespace lockstep
