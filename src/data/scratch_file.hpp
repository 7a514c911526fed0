#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// How many bytes `scratch` leaves in memory. Local.
std::uint64_t bytes_in_memory(const Scratch& scratch);

/// A file without a name in the folder of `scratch`, which ends with the last FilePlace that was made of it,
/// and with the process. Room is taken on the disk before it is used, so that a full one is an error of this
/// class and no signal later.
class ScratchFile {
 public:
  /// Errors: a folder that can't be written, or that is one of memory.
  explicit ScratchFile(const Scratch& scratch);

  /// Writes `bytes` at the end, or makes it `size` zeros that are written through a mapping. Errors: a full
  /// disk, a limit.
  void append(std::span<const std::byte> bytes);
  void take_room(std::uint64_t size);

  /// Its begin, for any process of this user on this machine as long as the place or a copy of it lives.
  FilePlace place() const;

 private:
  [[noreturn]] void fail(int error, std::uint64_t more) const;

  std::filesystem::path folder_;
  std::shared_ptr<const int> descriptor_;
  std::uint64_t size_ = 0;
};

/// Room for `bytes` that are made later, where that is more than `scratch` leaves in memory. Errors: those of
/// ScratchFile.
std::optional<FilePlace> room_in_scratch(const Scratch& scratch, std::uint64_t bytes);

}  // namespace lockstep
