#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace lockstep {

/// A file that others see whole or not at all: it is written piece by piece under a temporary name beside its
/// own, which it takes in the end. Where it does not come to that, nothing is left behind. Local.
class NewFile {
 public:
  /// Errors: a folder that can't be written, a place where something stands that is no file.
  explicit NewFile(std::filesystem::path file);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Errors: a full disk.
  void append(std::string_view text);

  /// Calls `write(descriptor)`, which returns false with errno set where the system refuses. Errors: that.
  void write(const std::function<bool(int descriptor)>& write);

  /// Gives the file its name, in the place of what had it before; synced, and the folder too. Errors: the
  /// system refuses.
  void finish();

 private:
  [[noreturn]] void fail(int reason);
  void remove();

  std::filesystem::path file_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace lockstep
