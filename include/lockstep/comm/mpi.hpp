#pragma once

#include <memory>
#include <string>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// Whether a launcher (mpirun, srun, …) started this process as one of several.
bool is_launched_by_mpi();

/// MPI from construction to destruction; at most one in a program. The destructor finalises MPI unless an
/// exception is on its way, in which case other ranks may be waiting and it ends them all.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// All ranks of the program.
  Communicator& world() { return *world_; }

  /// Whether all ranks call this within `seconds`. Local in effect: it never waits longer.
  bool all_arrive(double seconds);

 private:
  std::unique_ptr<Communicator> world_;
  std::unique_ptr<Communicator> arrivals_;  // all ranks too, but for all_arrive alone
};

/// Name and version of the message library.
std::string mpi_library();

}  // namespace lockstep
