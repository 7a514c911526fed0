#include "lockstep/core/file_lock.hpp"

#include <cerrno>
#include <fcntl.h>

namespace lockstep {

namespace {

/// A lock of an open file (OFD) does not end when its process closes the same file elsewhere, as a POSIX lock
/// does.
Lock set_lock(int descriptor, off_t byte, short type, int command) {
  struct flock wanted {};
  wanted.l_type = type;
  wanted.l_whence = SEEK_SET;
  wanted.l_start = byte;
  wanted.l_len = 1;
  int result = fcntl(descriptor, command, &wanted);
  while (result != 0 && errno == EINTR) result = fcntl(descriptor, command, &wanted);
  if (result == 0) return Lock::kHeld;
  return errno == EAGAIN || errno == EACCES ? Lock::kTaken : Lock::kRefused;
}

}  // namespace

Lock try_lock(int descriptor, off_t byte) { return set_lock(descriptor, byte, F_WRLCK, F_OFD_SETLK); }

Lock wait_for_lock(int descriptor, off_t byte) { return set_lock(descriptor, byte, F_WRLCK, F_OFD_SETLKW); }

void unlock(int descriptor, off_t byte) { set_lock(descriptor, byte, F_UNLCK, F_OFD_SETLK); }

}  // namespace lockstep
