#pragma once

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

  /// Writes of what is kept and of `text` what the reader takes without a wait, and keeps the rest.
  void offer(std::string_view text);

  /// Waits until nothing is kept any more, for `milliseconds` at most; -1: however long that takes.
  void finish(int milliseconds);

  /// The errno with which text was lost, as nobody reads it or the disk is full; or 0.
  int error() const { return error_; }

 private:
  std::FILE* stream_;
  std::string kept_;
  int error_ = 0;
};

}  // namespace lockstep
