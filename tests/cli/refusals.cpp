// Loaded before the C library (LD_PRELOAD): refuses the services that the variable REFUSED names, as
// containers, kernels and file systems do. A library without C++'s own, which loads into any program.

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

bool is_refused(const char* service) {
  const char* const refused = std::getenv("REFUSED");
  return refused != nullptr && std::strcmp(refused, service) == 0;
}

int refuse(int error) {
  errno = error;
  return -1;
}

int change_file(int descriptor, int command, void* argument) {
  const bool locks =
      command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_SETLK || command == F_SETLKW;
  if (locks && is_refused("locks")) return refuse(ENOLCK);
  return static_cast<int>(syscall(SYS_fcntl, descriptor, command, argument));
}

int open_file(const char* path, int flags, mode_t mode) {
  if (is_refused("proc") && std::strncmp(path, "/proc/", 6) == 0 && std::strstr(path, "/fd/") != nullptr) {
    return refuse(EACCES);
  }
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

}  // namespace

extern "C" {

int memfd_create(const char* name, unsigned flags) {
  if (is_refused("memfd")) return refuse(EACCES);
  // Systems where vm.memfd_noexec is 2.
  constexpr unsigned kNoExecSeal = 8;
  if (is_refused("executable memfd") && (flags & kNoExecSeal) == 0) return refuse(EACCES);
  // Systems before Linux 6.3.
  if (is_refused("sealed memfd") && (flags & kNoExecSeal) != 0) return refuse(EINVAL);
  return static_cast<int>(syscall(SYS_memfd_create, name, flags));
}

int fcntl(int descriptor, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return change_file(descriptor, command, argument);
}

int fcntl64(int descriptor, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return change_file(descriptor, command, argument);
}

int flock(int descriptor, int operation) {
  return is_refused("locks") ? refuse(ENOSYS) : static_cast<int>(syscall(SYS_flock, descriptor, operation));
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return open_file(path, flags, mode);
}

ssize_t process_vm_readv(pid_t process, const iovec* here, unsigned long parts, const iovec* there,
                         unsigned long other_parts, unsigned long flags) {
  if (is_refused("copies")) return refuse(EPERM);
  return syscall(SYS_process_vm_readv, process, here, parts, there, other_parts, flags);
}

ssize_t process_vm_writev(pid_t process, const iovec* here, unsigned long parts, const iovec* there,
                          unsigned long other_parts, unsigned long flags) {
  if (is_refused("copies")) return refuse(EPERM);
  return syscall(SYS_process_vm_writev, process, here, parts, there, other_parts, flags);
}

}  // extern "C"
