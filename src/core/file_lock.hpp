#pragma once

#include <filesystem>
#include <sys/types.h>

namespace lockstep {

/// What became of the wish for a lock.
enum class Lock {
  kHeld,     ///< this open file has it
  kTaken,    ///< another open file has it
  kRefused,  ///< no locks are to be had here, for the reason in errno: not every file system has them
};

// Locks of single bytes of an open file, which need not exist. A lock ends with its file, when the process
// that holds it closes that or ends, however that ends.

/// Locks byte `byte` of the open file `descriptor`, without waiting.
Lock try_lock(int descriptor, off_t byte = 0);

/// The same, but waits while it is taken.
Lock wait_for_lock(int descriptor, off_t byte);

/// Whether another open file has the lock; takes none.
bool is_locked(int descriptor, off_t byte = 0);

/// The same of a file by its name; not of one that cannot be read, or whose file system knows no locks.
bool is_locked(const std::filesystem::path& file);

/// Ends the lock.
void unlock(int descriptor, off_t byte);

}  // namespace lockstep
