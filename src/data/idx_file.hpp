#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/byte_reader.hpp"
#include "data/stored_array.hpp"

namespace lockstep {

/// An IDX file of unsigned bytes, plain or gzip: sizes()[0] x sizes()[1] x … values, the last index fastest.
class IdxFile : public StoredArray {
 public:
  /// Reads the header of a file of one of these numbers of dimensions. Errors: see read_idx.
  IdxFile(const std::filesystem::path& file, const std::vector<std::size_t>& dimensions);

 private:
  void read(std::span<std::byte> target) override;

  ByteReader reader_;
  std::uint64_t count_ = 0;  // of bytes that have been read
};

}  // namespace lockstep
