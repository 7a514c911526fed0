#include "core/file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "core/new_file.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// Writes in large pieces, past the system's cache where that can be: a checkpoint that nobody reads soon
/// costs much less CPU time so, and pushes nothing else out.
class PieceWriter {
 public:
  /// Errors: no memory.
  PieceWriter() : piece_(static_cast<std::byte*>(std::aligned_alloc(kFileBlock, kPiece))) {
    if (!piece_) throw std::bad_alloc();
  }

  /// Writes `parts` to a new file; false with errno set where the system refuses.
  bool write(int descriptor, std::span<const std::span<const std::byte>> parts) {
    descriptor_ = descriptor;
    set_direct(true);
    const bool good = std::all_of(parts.begin(), parts.end(), [this](auto part) { return add(part); });
    set_direct(false);  // the rest may be no whole block
    return good && flush();
  }

 private:
  bool add(std::span<const std::byte> bytes) {
    if (bytes.size() >= kPiece && used_ % kFileBlock == 0 && is_aligned(bytes.data())) {
      if (!flush()) return false;
      while (bytes.size() >= kFileBlock) {
        const std::size_t size = std::min(bytes.size() / kFileBlock * kFileBlock, kMostAtOnce);
        if (!put(bytes.first(size))) return false;
        bytes = bytes.subspan(size);
      }
    }
    while (!bytes.empty()) {
      const std::size_t size = std::min(bytes.size(), kPiece - used_);
      std::memcpy(piece_.get() + used_, bytes.data(), size);
      used_ += size;
      bytes = bytes.subspan(size);
      if (used_ == kPiece && !flush()) return false;
    }
    return true;
  }

  bool flush() { return put({piece_.get(), std::exchange(used_, 0)}); }

  bool put(std::span<const std::byte> bytes) const {
    const off_t begin = lseek(descriptor_, 0, SEEK_CUR);
    if (write_all(descriptor_, bytes)) return true;
    // A file system that wants larger blocks, or is left with a part of one.
    if (errno != EINVAL || !set_direct(false)) return false;
    const off_t written = lseek(descriptor_, 0, SEEK_CUR) - begin;
    return write_all(descriptor_, bytes.subspan(static_cast<std::size_t>(written)));
  }

  bool set_direct(bool direct) const {
    const int flags = fcntl(descriptor_, F_GETFL);
    return flags >= 0 && fcntl(descriptor_, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
  }

  static bool is_aligned(const std::byte* memory) {
    return reinterpret_cast<std::uintptr_t>(memory) % kFileBlock == 0;
  }

  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  static constexpr std::size_t kPiece = std::size_t{1} << 20U;
  static constexpr std::size_t kMostAtOnce = std::size_t{16} << 20U;  // a sign of life on a slow disk

  int descriptor_ = -1;
  std::unique_ptr<std::byte, Free> piece_;
  std::size_t used_ = 0;
};

/// The same bytes in as few parts as their places in memory allow.
std::vector<std::span<const std::byte>> merged(std::span<const std::span<const std::byte>> parts) {
  std::vector<std::span<const std::byte>> found;
  for (const std::span<const std::byte> part : parts) {
    if (!found.empty() && found.back().data() + found.back().size() == part.data()) {
      found.back() = {found.back().data(), found.back().size() + part.size()};
    } else {
      found.push_back(part);
    }
  }
  return found;
}

}  // namespace

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

bool append_line(int descriptor, std::string_view line, bool synced) {
  return append_whole(descriptor, std::string(line) + '\n', synced);
}

bool append_whole(int descriptor, std::string_view text, bool synced) {
  const off_t before = lseek(descriptor, 0, SEEK_END);
  const bool written = before >= 0 && write_all(descriptor, std::as_bytes(std::span(text)));
  if (written && (!synced || fsync(descriptor) == 0)) return true;
  const int reason = errno;
  // Half of it would spoil what comes next. Where this fails too, the first reason is the one to tell.
  if (ftruncate(descriptor, before) != 0) errno = reason;
  return false;
}

bool is_gone(const std::filesystem::path& file, int descriptor) {
  struct stat named {};
  if (stat(file.c_str(), &named) != 0) return errno == ENOENT || errno == ENOTDIR;
  struct stat opened {};
  return fstat(descriptor, &opened) == 0 && (named.st_dev != opened.st_dev || named.st_ino != opened.st_ino);
}

std::vector<std::byte> read_file(const std::filesystem::path& file) {
  constexpr auto kAdvice = "give the path of an existing file";
  const auto refuse = [&](const char* reason) {
    fail_input("{}: cannot be read ({}); {}", file.string(), reason, kAdvice);
  };
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (is_directory(status)) refuse("it is a folder");
  if (exists(status) && !is_regular_file(status)) refuse("it is no file");  // a pipe may have no other end
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream) fail_input("{}: cannot be read {}", file.string(), because(errno, kAdvice));
  std::vector<std::byte> bytes(static_cast<std::size_t>(stream.tellg()));
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!stream) fail_input("{}: reading it failed part way; check the disk and try again", file.string());
  return bytes;
}

void write_file(const std::filesystem::path& file, std::span<const std::span<const std::byte>> parts) {
  PieceWriter writer;
  const std::vector<std::span<const std::byte>> runs = merged(parts);
  NewFile made(file);
  made.write([&](int descriptor) { return writer.write(descriptor, runs); });
  made.finish();
}

void write_file(const std::filesystem::path& file, std::string_view text) {
  const std::span<const std::byte> part = std::as_bytes(std::span(text));
  write_file(file, std::span(&part, 1));
}

}  // namespace lockstep
