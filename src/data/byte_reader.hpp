#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <zlib.h>

namespace lockstep {

/// What to call a file in messages.
std::string shown_name(const std::filesystem::path& path);

/// The bytes of a file, or of standard input ("-"), decompressed if they are gzip.
class ByteReader {
 public:
  /// `expected` is what the file should be, for messages. Errors: a file that can't be opened.
  ByteReader(const std::filesystem::path& path, const std::string& expected);

  const std::string& name() const { return name_; }
  bool compressed() const { return compressed_; }
  /// Bytes on the disk. Errors: they can't be told.
  std::uint64_t stored_bytes() const;

  /// Fills `target`, at most 2^30 bytes, or less of it at the end of the file; how much. Errors: truncated or
  /// corrupt compressed data, a disk that fails.
  std::size_t read(std::span<std::byte> target);

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose_r(file); }
  };

  std::string name_;
  std::string expected_;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
  bool compressed_ = false;
};

}  // namespace lockstep
