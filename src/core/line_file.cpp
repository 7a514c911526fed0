#include "lockstep/core/line_file.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "lockstep/core/error.hpp"
#include "lockstep/core/file.hpp"
#include "lockstep/core/refusal.hpp"

namespace lockstep {

namespace {

// Locks are of bytes that need not exist: one says who owns the file, the other who is writing.
constexpr off_t kOwnerByte = 0;
constexpr off_t kWriterByte = 1;

}  // namespace

LineFile::LineFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail("opened");
}

LineFile::~LineFile() { close(descriptor_); }

void LineFile::fail(const char* what) const {
  fail_input("{}: cannot be {} {}", path_.string(), what,
             because(errno, "check the folder's permissions, the space left and that it has locks"));
}

Lock LineFile::try_own() {
  const Lock lock = try_lock(descriptor_, kOwnerByte);
  has_locks_ = lock != Lock::kRefused;
  return lock;
}

void LineFile::exclusively(const std::function<void()>& action) {
  if (has_locks_ && wait_for_lock(descriptor_, kWriterByte) != Lock::kHeld) fail("locked");
  try {
    const std::string text = unread_text();
    const std::size_t whole = text.rfind('\n') + 1;
    if (whole < text.size() && ftruncate(descriptor_, static_cast<off_t>(read_ + whole)) != 0)
      fail("written");
    action();
  } catch (...) {
    if (has_locks_) unlock(descriptor_, kWriterByte);
    throw;
  }
  if (has_locks_) unlock(descriptor_, kWriterByte);
}

std::vector<std::string> LineFile::new_lines() {
  const std::string text = unread_text();
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  read_ += begin;
  return lines;
}

void LineFile::append(std::string_view line) {
  if (!append_line(descriptor_, line, true)) fail("written");
}

/// What stands after the lines that were given.
std::string LineFile::unread_text() const {
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (true) {
    const auto at = static_cast<off_t>(read_ + text.size());
    const ssize_t count = pread(descriptor_, buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace lockstep
