#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/watchdog.hpp"

namespace lockstep {

/// MPI from construction to destruction; at most one in a program. The destructor finalises MPI unless an
/// exception is on its way, in which case other ranks may be waiting and it ends them all.
class MpiSession {
 public:
  /// Ends the program with one line and exit code 2 where MPI can't start, as with the variables that a
  /// launcher has left to another program, or where other ranks have not come after `patience`, of which time
  /// in which this process was suspended doesn't count.
  explicit MpiSession(std::chrono::seconds patience = std::chrono::minutes(5));
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// All ranks of the program.
  Communicator& world() { return *world_; }

  /// Has a watchdog look after the ranks from here on. Collective. Errors: not enough memory.
  void watch();

  /// Ends the process with exit code `status` and leaves MPI as it is, where its launcher is ending already.
  [[noreturn]] static void leave(int status);

  /// Whether all ranks call this within `seconds`. Local in effect: it never waits longer.
  bool all_arrive(double seconds);

 private:
  std::unique_ptr<Communicator> world_;
  std::unique_ptr<Communicator> arrivals_;  // all ranks too, but for all_arrive alone
  std::unique_ptr<Watchdog> watchdog_;
};

/// Name and version of the message library.
std::string mpi_library();

}  // namespace lockstep
