#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/byte_reader.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

/// An array as numpy.save writes it, of unsigned bytes (u1), whole numbers (i1, i2, i4, i8) or floating-point
/// numbers (f4, f8), in C order. Format: NumPy's numpy.lib.format, versions 1 to 3.
class NpyFile {
 public:
  /// Reads the header. Errors: no NPY file, another type or order, the larger byte first, no values, more or
  /// fewer bytes than the header promises.
  explicit NpyFile(const std::filesystem::path& file);

  const std::string& name() const { return reader_.name(); }
  const std::string& type() const { return type_; }
  const std::vector<Index>& sizes() const { return sizes_; }

  /// The values: as bytes (of u1), as whole numbers (of all but f4 and f8), as floats. Once. Errors: a disk
  /// that fails, floats that are not finite.
  std::vector<std::uint8_t> bytes();
  std::vector<std::int64_t> whole_numbers();
  std::vector<float> floats();

  bool is_real() const { return type_ == "f4" || type_ == "f8"; }

 private:
  std::string read_header();
  void read(std::span<std::byte> target);
  template <typename Stored, typename Value>
  void read_as(std::vector<Value>& values);

  ByteReader reader_;
  std::uint64_t header_bytes_ = 0;
  std::string type_;
  std::vector<Index> sizes_;
};

}  // namespace lockstep
