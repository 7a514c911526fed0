#include "lockstep/comm/launcher.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "core/signals.hpp"
#include "core/text.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// A launcher of MPI programs and its variables; it was there if it has set the rank or the size.
struct MpiLauncher {
  const char* name;
  const char* size;  // null: it has none
  const char* rank;
};
constexpr std::array kMpiLaunchers = {
    MpiLauncher{"mpirun (Open MPI)", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    MpiLauncher{"mpiexec (PMI)", "PMI_SIZE", "PMI_RANK"},
    MpiLauncher{"the launcher (PMIx)", nullptr, "PMIX_RANK"}};

/// Slurm's numbers of steps that users start lie below; the batch script and others have numbers above.
constexpr std::int64_t kFirstSpecialStep = 0xfffffff0;

std::optional<std::int64_t> number_in(const char* variable) {
  const char* const text = variable == nullptr ? nullptr : std::getenv(variable);
  return text == nullptr ? std::nullopt : parse_integer(text);
}

std::optional<LauncherClaim> slurm_step() {
  const auto step = number_in("SLURM_STEP_ID");
  const auto tasks = number_in("SLURM_STEP_NUM_TASKS");
  if (!step || *step < 0 || *step >= kFirstSpecialStep || !tasks) return std::nullopt;
  return LauncherClaim{"Slurm's srun", *tasks, "srun --mpi=pmix, or mpirun in place of srun"};
}

/// The command line of a process, "self" for this one; empty where it can't be read.
std::vector<std::string> words_of_process(const std::string& process) {
  std::ifstream file("/proc/" + process + "/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

bool is_mpirun(const std::string& program) {
  const std::string name = std::filesystem::path(program).filename();
  return name.starts_with("mpirun") || name.starts_with("mpiexec") || name == "orterun" || name == "prterun";
}

[[noreturn]] void fail_start(const std::string& start, int world_size, const std::string& hint) {
  fail_input("{}, but the program sees {}; try {}", start,
             world_size == 1 ? "one rank" : fmt::format("{} ranks", world_size), hint);
}

constexpr auto kMpiHint = "the mpirun of the MPI that it was built with, or srun --mpi=pmix";

}  // namespace

Launch read_launch() {
  Launch launch;
  for (const MpiLauncher& launcher : kMpiLaunchers) {
    const auto size = number_in(launcher.size);
    const auto rank = number_in(launcher.rank);
    if (!size && !rank) continue;
    if (!launch.is_mpi) launch.rank = rank.value_or(0);
    launch.is_mpi = true;
    if (size) launch.claims.push_back({launcher.name, *size, kMpiHint});
  }
  launch.is_mpirun = number_in("OMPI_COMM_WORLD_RANK").has_value();
  launch.is_of_several_programs = number_in("OMPI_NUM_APP_CTX").value_or(1) > 1;
  const char* const folder = std::getenv("PMIX_SERVER_TMPDIR");
  std::error_code error;
  launch.has_ended = folder != nullptr && !std::filesystem::exists(folder, error);
  launch.step = slurm_step();
  return launch;
}

std::string start_command() {
  const std::vector<std::string> own = words_of_process("self");
  if (own.empty()) return "lockstep";
  const std::string& program = own.front();
  const std::vector<std::string> parents = words_of_process(std::to_string(getppid()));
  const auto end = std::find(parents.begin(), parents.end(), program);
  const bool is_known = !parents.empty() && is_mpirun(parents.front()) && end != parents.end() &&
                        std::find(end, parents.end(), ":") == parents.end();  // of one program
  std::string command;
  if (is_known) {
    for (auto word = parents.begin(); word != end; ++word) command += for_shell(*word) + " ";
  }
  return command + for_shell(program);
}

std::string whole_command() {
  std::string command = start_command();
  const std::vector<std::string> own = words_of_process("self");
  for (std::size_t i = 1; i < own.size(); ++i) command += " " + for_shell(own[i]);
  return command;
}

std::string stop_cause(int signal) {
  const std::vector<std::string> parents = words_of_process(std::to_string(getppid()));
  const bool is_of_mpirun = parent_asks_to_end() && !parents.empty() && is_mpirun(parents.front());
  return is_of_mpirun ? "Ctrl-C or SIGTERM to mpirun" : signal_name(signal);
}

void check_world(const Launch& launch, int world_size) {
  std::vector<LauncherClaim> claims = launch.claims;
  const bool has_met = world_size > 1;
  if (has_met && claims.empty()) return;
  if (launch.step) claims.push_back(*launch.step);
  const auto agrees = [&](const LauncherClaim& claim) { return claim.tasks == world_size; };
  const bool is_right = claims.empty() || agrees(claims.front()) ||
                        (has_met && std::any_of(claims.begin(), claims.end(), agrees));
  if (!is_right) {
    const LauncherClaim& claim = claims.front();
    fail_start(fmt::format("{} started {} task{}", claim.launcher, claim.tasks, claim.tasks == 1 ? "" : "s"),
               world_size, claim.hint);
  }
  if (!has_met && launch.rank > 0) {
    fail_start(fmt::format("the launcher calls this process rank {}", launch.rank), world_size, kMpiHint);
  }
}

}  // namespace lockstep
