#include "core/file_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace lockstep {

namespace {

/// A lock of an open file (OFD) does not end when its process closes the same file elsewhere, as a POSIX lock
/// does.
struct flock lock_of(off_t byte, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

Lock set_lock(int descriptor, off_t byte, short type, int command) {
  struct flock wanted = lock_of(byte, type);
  int result = fcntl(descriptor, command, &wanted);
  while (result != 0 && errno == EINTR) result = fcntl(descriptor, command, &wanted);
  if (result == 0) return Lock::kHeld;
  return errno == EAGAIN || errno == EACCES ? Lock::kTaken : Lock::kRefused;
}

}  // namespace

Lock try_lock(int descriptor, off_t byte) { return set_lock(descriptor, byte, F_WRLCK, F_OFD_SETLK); }

Lock wait_for_lock(int descriptor, off_t byte) { return set_lock(descriptor, byte, F_WRLCK, F_OFD_SETLKW); }

bool is_locked(int descriptor, off_t byte) {
  struct flock found = lock_of(byte, F_WRLCK);
  return fcntl(descriptor, F_OFD_GETLK, &found) == 0 && found.l_type != F_UNLCK;
}

bool is_locked(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool locked = is_locked(descriptor);
  close(descriptor);
  return locked;
}

void unlock(int descriptor, off_t byte) { set_lock(descriptor, byte, F_UNLCK, F_OFD_SETLK); }

}  // namespace lockstep
