#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "data/stored_array.hpp"

namespace lockstep {

/// The bytes of a file, or of one in an archive.
struct ByteSequence {
  std::string name;
  std::uint64_t size = 0;
  /// Fills its target, at most 2^30 bytes, with those that come next, or less of it at the end; how much.
  std::function<std::size_t(std::span<std::byte>)> read;
  std::filesystem::path file = {};  ///< where it is a file of its own
};

/// An array as numpy.save writes it, in C order. Format: NumPy's numpy.lib.format, versions 1 to 3.
class NpyFile : public StoredArray {
 public:
  /// Reads the header. Errors: no NPY file, another type or order, the larger byte first, no values, more or
  /// fewer bytes than the header promises.
  explicit NpyFile(ByteSequence sequence);
  explicit NpyFile(const std::filesystem::path& file);

 private:
  std::string read_header();
  void read(std::span<std::byte> target) override;

  ByteSequence sequence_;
  std::uint64_t rest_;  // of its bytes
};

}  // namespace lockstep
