#include "lockstep/core/log.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

namespace lockstep::log {

namespace {

int process_rank = 0;
std::shared_ptr<spdlog::logger> file_log;
std::size_t status_width = 0;

void clear_status() {
  if (status_width > 0) fmt::print("\r{:{}}\r", "", status_width);
  status_width = 0;
}

void print(std::FILE* stream, std::string_view line) {
  if (process_rank != 0) return;
  clear_status();
  std::fflush(stdout);
  fmt::print(stream, "{}\n", line);
  std::fflush(stream);
  if (file_log) file_log->info(line);
}

bool launcher_is_terminal() {
  const std::string output = fmt::format("/proc/{}/fd/1", getppid());
  const int descriptor = open(output.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool terminal = isatty(descriptor) == 1;
  close(descriptor);
  return terminal;
}

}  // namespace

void set_rank(int rank) { process_rank = rank; }

void open_file(const std::filesystem::path& file) {
  if (process_rank != 0) return;
  file_log = std::make_shared<spdlog::logger>(
      "run", std::make_shared<spdlog::sinks::basic_file_sink_st>(file, true));
  file_log->set_pattern("%Y-%m-%d %H:%M:%S %v");
  file_log->flush_on(spdlog::level::info);
}

void info(std::string_view line) { print(stdout, line); }

void warn(std::string_view line) { print(stderr, line); }

void status(std::string_view line) {
  if (process_rank != 0 || !is_terminal()) return;
  clear_status();
  fmt::print("{}", line);
  std::fflush(stdout);
  status_width = line.size();
}

bool is_terminal() {
  // mpirun gives its processes a pseudo-terminal even when its own output goes to a file.
  static const bool terminal = isatty(STDOUT_FILENO) == 1 &&
                               (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr || launcher_is_terminal());
  return terminal;
}

}  // namespace lockstep::log
