#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/comm/mpi.hpp"

namespace lockstep {

/// What every program needs around its training, from the first line of main to the last: arithmetic that is
/// the same everywhere, signals that no computing thread ever sees, MPI where a launcher has started several
/// ranks, and a watchdog that ends all ranks where one is gone. At most one in a program.
class Session {
 public:
  /// Starts MPI if a launcher of MPI programs has started this process; `uses_ranks` = false: never, this
  /// process is alone. Errors: see MpiSession.
  explicit Session(bool uses_ranks = true);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// All ranks.
  Communicator& world() { return mpi_ ? mpi_->world() : *single_; }
  // NOLINTNEXTLINE(google-explicit-constructor): a session is passed wherever its ranks are meant
  operator Communicator&() { return world(); }

  /// Calls `program` and returns main's exit code: 0, or that of the error, which is printed as one line,
  /// once where all ranks failed alike. A rank that fails alone ends the others, who may be waiting for it.
  /// Collective.
  int run(const std::function<void()>& program);

 private:
  int status_of(const std::function<void()>& program);
  int fail(const std::exception& exception);
  bool launcher_ends();

  Launch launch_;
  bool uses_ranks_;
  std::unique_ptr<Communicator> single_;
  std::optional<MpiSession> mpi_;
};

}  // namespace lockstep
