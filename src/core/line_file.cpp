#include "core/line_file.hpp"

#include <array>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <span>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "core/file.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"

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
  is_owner_ = lock != Lock::kTaken;
  return lock;
}

void LineFile::exclusively(const std::function<void()>& action) {
  lock_writing();
  try {
    act(action);
  } catch (...) {
    if (has_locks_) unlock(descriptor_, kWriterByte);
    throw;
  }
  if (has_locks_) unlock(descriptor_, kWriterByte);
}

void LineFile::act(const std::function<void()>& action) {
  std::exception_ptr failure;
  try {
    if (is_gone()) renew();
  } catch (const Error&) {
    failure = std::current_exception();
  }
  const std::string unread = text_from(read_);
  const std::size_t whole = unread.rfind('\n') + 1;
  if (whole < unread.size() && ftruncate(descriptor_, static_cast<off_t>(read_ + whole)) != 0)
    fail("written");
  action();
  if (failure) std::rethrow_exception(failure);
}

/// The lock of the file that is gone lets one process after the other do this, so that what the first has
/// made begins with all that the others know.
void LineFile::renew() {
  std::string all = text();
  all.resize(all.rfind('\n') + 1);
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  LineFile found(path_);
  found.has_locks_ = has_locks_;
  found.lock_writing();
  const std::string there = found.text();
  if (there.empty()) {
    const bool written = write_all(found.descriptor_, std::as_bytes(std::span(all)));
    if (!written || fsync(found.descriptor_) != 0) found.fail("written");
  } else if (!there.starts_with(all)) {
    fail_input("{}: is another file by now", path_.string());
  }
  if (is_owner_ && has_locks_ && try_lock(found.descriptor_, kOwnerByte) != Lock::kHeld) {
    fail_input("{}: belongs to another process by now", path_.string());
  }
  std::swap(descriptor_, found.descriptor_);  // closes the old one, which ends its locks
  renewed_ = true;
}

bool LineFile::is_gone() const { return lockstep::is_gone(path_, descriptor_); }

void LineFile::lock_writing() const {
  if (has_locks_ && wait_for_lock(descriptor_, kWriterByte) != Lock::kHeld) fail("locked");
}

std::vector<std::string> LineFile::new_lines() {
  const std::string text = text_from(read_);
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

std::string LineFile::text_from(std::uint64_t begin) const {
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (true) {
    const auto at = static_cast<off_t>(begin + text.size());
    const ssize_t count = pread(descriptor_, buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace lockstep
