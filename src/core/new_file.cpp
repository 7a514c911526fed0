#include "core/new_file.hpp"

#include <cerrno>
#include <cstdio>
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

/// Makes the renaming of a file in `folder` last; false with errno set where the system refuses.
bool sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  // Some file systems have nothing to sync there, and report an error.
  const bool good = fsync(descriptor) == 0 || errno == EINVAL;
  const int reason = errno;
  close(descriptor);
  errno = reason;
  return good;
}

/// Errors: something that a renamed file would take the place of, such as /dev/null, or could not.
void check_place(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (!exists(status) || is_regular_file(status) || !status_known(status)) return;
  fail_input("{}: cannot be written (it is {}); give the path of a file", file.string(),
             is_directory(status) ? "a folder" : "a device or a pipe");
}

}  // namespace

NewFile::NewFile(std::filesystem::path file)
    : file_(std::move(file)), temporary_(fmt::format("{}.{}.tmp", file_.string(), getpid())) {
  check_place(file_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
}

NewFile::~NewFile() { remove(); }

void NewFile::append(std::string_view text) {
  write([&](int descriptor) { return write_all(descriptor, std::as_bytes(std::span(text))); });
}

void NewFile::write(const std::function<bool(int descriptor)>& write) {
  if (!write(descriptor_)) fail(errno);
}

void NewFile::finish() {
  if (fsync(descriptor_) != 0) fail(errno);
  close(std::exchange(descriptor_, -1));
  if (std::rename(temporary_.c_str(), file_.c_str()) == 0 && sync_folder(file_.parent_path())) return;
  const int reason = errno;
  unlink(temporary_.c_str());
  fail(reason);
}

void NewFile::fail(int reason) {
  remove();
  fail_input("{}: cannot be written {}", file_.string(),
             because(reason, "check the folder's permissions and the space left"));
}

void NewFile::remove() {
  if (descriptor_ < 0) return;
  close(std::exchange(descriptor_, -1));
  unlink(temporary_.c_str());
}

}  // namespace lockstep
