#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Whether a mapped file is only read, or written as well.
enum class MappedFor { kReading, kWriting };

/// What a file holds at a place, as memory that the system fills when it is read, and takes back when memory
/// is short.
class FileMapping {
 public:
  /// Of `size` > 0 bytes. Errors: a file that can't be opened or mapped, or ends before.
  FileMapping(const FilePlace& place, std::size_t size, MappedFor use = MappedFor::kReading);
  ~FileMapping();
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  /// Those of MappedFor::kReading must not be written.
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> mapped_;  // the file from its start, where pages begin
  std::span<std::byte> bytes_;
};

}  // namespace lockstep
