#include "lockstep/core/file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <unistd.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// Makes the renaming of a file in `folder` last; false with errno set where the system refuses.
bool sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  // Some file systems have nothing to sync there, and say so.
  const bool good = fsync(descriptor) == 0 || errno == EINVAL;
  const int reason = errno;
  close(descriptor);
  errno = reason;
  return good;
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
  const off_t before = lseek(descriptor, 0, SEEK_END);
  const std::string text = std::string(line) + '\n';
  const bool written = before >= 0 && write_all(descriptor, std::as_bytes(std::span(text)));
  if (written && (!synced || fsync(descriptor) == 0)) return true;
  const int reason = errno;
  // Half a line would spoil the next. Where this fails too, the first reason is the one to tell.
  if (ftruncate(descriptor, before) != 0) errno = reason;
  return false;
}

std::vector<std::byte> read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream || std::filesystem::is_directory(file)) {
    fail_input("{}: cannot be read ({}); give the path of an existing file", file.string(),
               std::filesystem::is_directory(file) ? "it is a folder" : std::strerror(errno));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(stream.tellg()));
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!stream) fail_input("{}: reading it failed part way; check the disk and try again", file.string());
  return bytes;
}

void write_file(const std::filesystem::path& file, std::span<const std::span<const std::byte>> parts) {
  const std::string temporary = fmt::format("{}.{}.tmp", file.string(), getpid());
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool good = descriptor >= 0;
  for (const auto part : parts) good = good && write_all(descriptor, part);
  good = good && fsync(descriptor) == 0;
  int reason = good ? 0 : errno;
  if (descriptor >= 0) close(descriptor);
  if (good && (std::rename(temporary.c_str(), file.c_str()) != 0 || !sync_folder(file.parent_path()))) {
    reason = errno;
  }
  if (reason != 0) {
    unlink(temporary.c_str());
    fail_input("{}: cannot be written ({}); check the folder's permissions and the space left", file.string(),
               std::strerror(reason));
  }
}

void write_file(const std::filesystem::path& file, std::string_view text) {
  const std::span<const std::byte> part = std::as_bytes(std::span(text));
  write_file(file, std::span(&part, 1));
}

}  // namespace lockstep
