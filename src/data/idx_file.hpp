#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// The content of one IDX file of unsigned bytes: sizes[0] x sizes[1] x … values, the last index fastest.
struct IdxArray {
  std::vector<Index> sizes;
  std::vector<std::uint8_t> bytes;
};

/// Reads an IDX file, plain or gzip, of one of these numbers of dimensions. Memory is taken only for what the
/// file can hold, whatever its header says. Errors: see read_idx.
IdxArray read_idx_file(const std::filesystem::path& file, const std::vector<std::size_t>& dimensions);

}  // namespace lockstep
