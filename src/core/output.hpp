#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace lockstep {

/// A standard stream whose reader may be slow, as a pager is. Text that it does not take yet is kept, in
/// order.
class Output {
 public:
  explicit Output(std::FILE* stream) : stream_(stream) {}

  /// Writes `text` after what is kept, and returns when all of it is written, or lost.
  void write(std::string_view text);

  /// Writes of what is kept and of `text` what a pipe takes without a wait, and keeps the rest. A terminal
  /// may make it wait for some lines.
  void offer(std::string_view text);

  /// Writes what is kept, for `milliseconds` at most; -1: however long that takes.
  void flush(int milliseconds);

  /// Whether there is text that is not written yet.
  bool keeps() const { return begin_ < kept_.size(); }

  /// The errno with which text was lost, as nobody reads it or the disk is full; or 0.
  int error() const { return error_; }

 private:
  std::string_view next_piece() const;

  std::FILE* stream_;
  std::string kept_;
  std::size_t begin_ = 0;  // of what is not written yet
  int error_ = 0;
};

}  // namespace lockstep
