#include "lockstep/session/session.hpp"

#include <algorithm>
#include <exception>
#include <vector>

#include <fmt/format.h>

#include "core/ieee.hpp"
#include "core/refusal.hpp"
#include "core/signals.hpp"
#include "core/vector_unit.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"

namespace lockstep {

namespace {

/// Before MPI starts, which makes threads that inherit it and changes the environment.
Launch prepare() {
  hold_signals();
  survive_size_limits();
  use_ieee_arithmetic();
  take_signals();
  return read_launch();
}

}  // namespace

Session::Session(bool uses_ranks)
    : launch_(prepare()), uses_ranks_(uses_ranks), single_(make_single_communicator()) {
  if (uses_ranks && launch_.is_mpi) mpi_.emplace();
  log::set_rank(world().rank());
}

int Session::run(const std::function<void()>& program) {
  const int status = status_of(program);
  const bool is_stopped = status == static_cast<int>(ExitCode::kStopped);  // on all ranks or on none
  log::finish(!is_stopped);
  if (mpi_ && is_stopped && launcher_ends()) MpiSession::leave(status);
  return status;
}

/// Whether mpirun has been told to end, and has told ranks so. It may then deadlock or crash (PMIx 4.2: in
/// PMIx_server_finalize) over ranks that finalise MPI meanwhile, and over none that just end.
bool Session::launcher_ends() {
  const std::vector<int> told = all_gather(world(), launch_.is_mpirun && parent_asks_to_end() ? 1 : 0);
  return std::find(told.begin(), told.end(), 1) != told.end();
}

int Session::status_of(const std::function<void()>& program) {
  try {
    together(world(), [&] {
      if (uses_ranks_) check_world(launch_, world().size());
      static_cast<void>(vector_unit());
    });
    if (mpi_) mpi_->watch();
    program();
    return static_cast<int>(ExitCode::kSuccess);
  } catch (const std::exception& exception) {
    return fail(exception);
  }
}

int Session::fail(const std::exception& exception) {
  constexpr double kSecondsToArrive = 5;
  const Error error = as_error(exception);
  const bool alone = mpi_ && !mpi_->all_arrive(kSecondsToArrive);
  if (alone) {
    log::warn_here(fmt::format("lockstep: {}: {}", names_of(world(), {world().rank()}), error.what()));
    log::finish(false);
    world().abort(static_cast<int>(error.code()));
  }
  log::warn(fmt::format("lockstep: {}", error.what()));
  return static_cast<int>(error.code());
}

}  // namespace lockstep
