#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lockstep {

/// As one of how many tasks a launcher says that it started this process.
struct LauncherClaim {
  std::string launcher;  ///< "mpirun"
  std::int64_t tasks;
  std::string hint;  ///< what to try where MPI sees another number
};

/// What the environment says about the start of this process.
struct Launch {
  bool is_mpi = false;     ///< a launcher of MPI programs (mpirun, mpiexec, srun --mpi=…) started it
  bool is_mpirun = false;  ///< that of Open MPI, or its daemon on another host, started it
  bool has_ended = false;  ///< that launcher's folder is gone: its variables are left over
  std::int64_t rank = 0;
  bool is_of_several_programs = false;  ///< mpirun was given several command lines: PROGRAM … : PROGRAM …
  std::vector<LauncherClaim> claims;    ///< of launchers of MPI programs, the one to be believed first
  std::optional<LauncherClaim> step;    ///< of Slurm, whose step may have started one of those
};

/// Reads it. Call before MPI starts, which changes the environment. Local.
Launch read_launch();

/// The command line that started this program, for a shell and up to the program's own name:
/// "build/lockstep", or "mpirun -np 4 build/lockstep". Without mpirun's part where that is not known, as on
/// the hosts where only its daemon runs, or under another launcher. Local.
std::string start_command();

/// The same with all that follows the program's name. Local.
std::string whole_command();

/// What has asked for the end by `signal`, which became a request: "SIGUSR1"; of a SIGTERM that mpirun sends
/// its ranks, what has come to mpirun. Local.
std::string stop_cause(int signal);

/// Errors: the program sees `world_size` ranks, but was started as another number of tasks, so that each
/// would train alone or with others than was meant. Local.
///
/// Shells, scripts and daemons inherit the variables of the launchers around them, so that several may speak:
/// - Open MPI is believed first, then PMI, then Slurm: `mpirun -np 1` inside a step of four tasks is meant,
///   and mpirun's own daemons are a step of one task a node.
/// - Slurm counts only where it started this step as several tasks (SLURM_STEP_NUM_TASKS); SLURM_NTASKS of a
///   batch script says what may be started, and the steps of a batch script or an interactive shell are no
///   steps of the user's.
/// - A world of several ranks has really met: it is right if any of them says that number, and where
///   Slurm alone speaks, whose step may be that around an unknown launcher.
/// - One rank alone that is not called rank 0 (PMIx says no number of tasks) is an error too.
void check_world(const Launch& launch, int world_size);

}  // namespace lockstep
