#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/file_lock.hpp"

namespace lockstep {

/// A file of lines that several processes append to and read at the same time, on one machine or on a file
/// system that machines share. See file_lock.hpp for its locks. Errors of all verbs: a file that can't be
/// read, written or locked.
class LineFile {
 public:
  /// Opens `path`, which is made where it is not there yet.
  explicit LineFile(std::filesystem::path path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// Makes this the one LineFile of `path` that owns it: kTaken where another owns it and is still there.
  /// After kRefused, with the reason in errno, it goes on without locks, for a caller who knows to be the
  /// only one.
  Lock try_own();

  /// Calls `action` while no other process is inside its own call. A last line without an end, which a
  /// process left that was ended while it wrote, is removed before. Where somebody has removed or moved the
  /// file or its folder, one process makes both again with all lines, and the others go on there. Errors:
  /// that can't be; `action` was called all the same, and text() has what it appended.
  void exclusively(const std::function<void()>& action);

  /// The whole lines that were appended since the last call, without their ends.
  std::vector<std::string> new_lines();

  /// Appends `line` and its end, or nothing, and returns when the disk has it. Inside `exclusively`.
  void append(std::string_view line);

  /// Whether the file's name leads to it no more.
  bool is_gone() const;

  /// Whether the file was made again since the last call, here or by another process.
  bool take_renewal() { return std::exchange(renewed_, false); }

  /// All lines.
  std::string text() const { return text_from(0); }

 private:
  [[noreturn]] void fail(const char* what) const;
  void act(const std::function<void()>& action);
  void renew();
  void lock_writing() const;
  std::string text_from(std::uint64_t begin) const;

  std::filesystem::path path_;
  int descriptor_;
  bool has_locks_ = true;
  bool is_owner_ = false;
  bool renewed_ = false;
  std::uint64_t read_ = 0;  // bytes of the lines that were given
};

}  // namespace lockstep
