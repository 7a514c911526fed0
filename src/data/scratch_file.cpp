#include "data/scratch_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <sys/vfs.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/memory.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

fs::path folder_of_scratch(const Scratch& scratch) {
  if (!scratch.folder.empty()) return scratch.folder;
  const char* const usual = std::getenv("TMPDIR");
  return usual == nullptr || *usual == '\0' ? "/var/tmp" : usual;
}

/// A descriptor, or -1 with errno set.
int open_without_name(const fs::path& folder) {
  const int descriptor = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return descriptor;
  std::string name = (folder / "lockstep-XXXXXX").string();  // the file system knows no files without names
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

bool is_memory(int descriptor) {
  struct statfs status {};
  return fstatfs(descriptor, &status) == 0 && (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

}  // namespace

std::uint64_t bytes_in_memory(const Scratch& scratch) {
  return scratch.limit.value_or(available_memory() / 3);
}

ScratchFile::ScratchFile(const Scratch& scratch) : folder_(folder_of_scratch(scratch)) {
  const int descriptor = open_without_name(folder_);
  if (descriptor < 0) {
    fail_input("{}: no file can be made here for data that are too large for memory {}", folder_.string(),
               because(errno, "set `scratch` to a folder on a disk"));
  }
  descriptor_ = {new int(descriptor), [](const int* owned) {
                   close(*owned);
                   delete owned;
                 }};
  if (is_memory(descriptor)) {
    fail_input("{}: in memory, for which the data are too large; set `scratch` to a folder on a disk",
               folder_.string());
  }
}

void ScratchFile::fail(int error, std::uint64_t more) const {
  fail_input(
      "{}: no room for data that are too large for memory, {} bytes so far and {} more {}; or set `scratch` "
      "to another folder",
      folder_.string(), size_, more, because(error, "free some space"));
}

void ScratchFile::append(std::span<const std::byte> bytes) {
  if (!write_all(*descriptor_, bytes)) fail(errno, bytes.size());
  size_ += bytes.size();
}

void ScratchFile::take_room(std::uint64_t size) {
  int error = EINTR;
  while (error == EINTR) {
    error = posix_fallocate(*descriptor_, 0, static_cast<off_t>(size));
  }
  if (error != 0) fail(error, size);
}

FilePlace ScratchFile::place() const {
  return {.file = fmt::format("/proc/{}/fd/{}", getpid(), *descriptor_), .offset = 0, .owner = descriptor_};
}

std::optional<FilePlace> room_in_scratch(const Scratch& scratch, std::uint64_t bytes) {
  if (bytes <= bytes_in_memory(scratch)) return std::nullopt;
  ScratchFile file(scratch);
  file.take_room(bytes);
  return file.place();
}

}  // namespace lockstep
