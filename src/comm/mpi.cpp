#include "lockstep/comm/mpi.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <mpi.h>

#include "comm/cross_memory.hpp"
#include "comm/mpi_communicator.hpp"
#include "core/machine.hpp"
#include "core/rank_status.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// What MPI calls when one of its functions fails: one line, then the end of all ranks.
void end_program(MPI_Comm* /*communicator*/, int* code, ...) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(*code, text, &length);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  fmt::print(stderr,
             "lockstep: rank {} on {}: message passing failed ({}); check the nodes and their network\n",
             rank, host_name(), text);
  end_on_purpose();
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::kInternal));
}

/// Settings of Open MPI; what the person has set stays.
void choose_the_way_of_large_messages() {
  constexpr int kKeep = 0;
  // Over TCP the receiver of a large message would ask for it part by part, and its asking would stand behind
  // all that it sends itself in the same connection: two nodes that exchange 7.5 MB over 1 Gbit/s took 94 ms,
  // and take 68 where large messages are sent without being asked for, and 63 (the link's 60) where the
  // system's buffers don't hold much more than is under way.
  setenv("OMPI_MCA_btl_tcp_flags", "send", kKeep);
  setenv("OMPI_MCA_btl_tcp_sndbuf", "262144", kKeep);
  // A message of up to so many bytes goes out without asking whether it is welcome, for that too stands
  // behind what is on its way: four nodes that gave each other 11.2 MB a step took 111 ms, and take 99 (the
  // link's 90).
  setenv("OMPI_MCA_btl_tcp_eager_limit", "524288", kKeep);
  setenv("OMPI_MCA_btl_tcp_rndv_eager_limit", "524288", kKeep);
  if (can_copy_across_processes()) return;
  // Where processes may not copy from each other's memory, Open MPI tries all the same, and complains of each
  // larger message that then takes another way.
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", kKeep);  // Open MPI up to 4
  setenv("OMPI_MCA_smsc", "^cma", kKeep);                             // from 5 on
}

/// While MPI starts; see _exit below.
std::atomic<bool> is_starting = false;

[[noreturn]] void fail_to_start(const std::string& reason) {
  fmt::print(stderr, "lockstep: rank {}: MPI did not start: {}\n", read_launch().rank, reason);
  std::fflush(stderr);
  std::_Exit(static_cast<int>(ExitCode::kBadInput));
}

void start_mpi(std::chrono::seconds patience) {
  std::mutex mutex;
  std::condition_variable started;
  is_starting = true;
  std::thread guard([&] {
    std::unique_lock lock(mutex);
    for (auto waited = std::chrono::seconds(0); waited < patience; ++waited) {
      if (started.wait_for(lock, std::chrono::seconds(1), [] { return !is_starting; })) return;
    }
    fail_to_start(
        fmt::format("not all ranks have come within {} s; give all the same command, and each its own mpirun",
                    patience.count()));
  });
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  {
    const std::lock_guard lock(mutex);
    is_starting = false;
  }
  started.notify_one();
  guard.join();
}

}  // namespace

MpiSession::MpiSession(std::chrono::seconds patience) {
  choose_the_way_of_large_messages();
  start_mpi(patience);
  // Communicators inherit the handler from the one they are made of.
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_create_errhandler(end_program, &handler);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
  world_ = ranks_by_node();
  arrivals_ = world_->split(0);
}

void MpiSession::watch() { watchdog_ = std::make_unique<Watchdog>(*world_); }

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() > 0) {
    end_on_purpose();
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::kInternal));
  }
  // The last waits for the others, too, may be in vain; so the watchdog leaves after them.
  const Waiting waiting;
  arrivals_.reset();
  world_.reset();
  MPI_Finalize();
}

void MpiSession::leave(int status) {
  end_on_purpose();
  std::fflush(nullptr);
  std::_Exit(status);
}

bool MpiSession::all_arrive(double seconds) { return arrivals_->idle_barrier(seconds); }

std::string mpi_library() {
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(version, &length);
  const std::string text(version, static_cast<std::size_t>(length));
  return text.substr(0, text.find_first_of(",\n"));
}

}  // namespace lockstep

// Where MPI can't start, Open MPI ends the process by _exit(1), and MPI has no way to hear of it before it
// has started. The library finds this function in place of the C library's.
extern "C" void _exit(int code) {
  if (lockstep::is_starting) {
    lockstep::fail_to_start(
        "see above; if the variables OMPI_*, PMIX_* or PMI_* are left over from another program, unset them, "
        "or give this one an mpirun of its own");
  }
  std::_Exit(code);
}
