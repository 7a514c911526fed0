#include "lockstep/core/log.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <poll.h>
#include <set>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

namespace lockstep::log {

namespace {

int process_rank = 0;
std::shared_ptr<spdlog::logger> file_log;
std::size_t status_width = 0;
int output_error = 0;  // errno
std::string (*own_wording)(std::string_view line) = nullptr;

/// Whether `stream` takes text without a wait. A run whose lines stand in its file too need not stand still
/// because nobody reads them here, as mpirun does not while it ends its ranks.
bool takes_text(std::FILE* stream) {
  if (!file_log) return true;
  constexpr int kPatience = 1000;  // milliseconds, the first time
  static bool stalled = false;
  pollfd polled{fileno(stream), POLLOUT, 0};
  stalled = poll(&polled, 1, stalled ? 0 : kPatience) != 1;
  return !stalled;
}

/// Where nobody reads or the disk is full the text is lost.
void put(std::FILE* stream, const std::string& text) {
  if (!takes_text(stream)) return;
  const bool written = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
  const int error = written && std::fflush(stream) == 0 ? 0 : errno;
  if (error != 0 && stream == stdout) output_error = error;
}

void clear_status() {
  if (status_width > 0) put(stdout, fmt::format("\r{:{}}\r", "", status_width));
  status_width = 0;
}

void print(std::FILE* stream, std::string_view line) {
  if (process_rank != 0) return;
  clear_status();
  put(stream, fmt::format("{}\n", line));
  if (file_log) file_log->info(line);
}

std::string worded(std::string_view line) {
  return own_wording == nullptr ? std::string(line) : own_wording(line);
}

bool launcher_is_terminal() {
  const std::string output = fmt::format("/proc/{}/fd/1", getppid());
  const int descriptor = open(output.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool terminal = isatty(descriptor) == 1;
  close(descriptor);
  return terminal;
}

void say_unwritable(const std::filesystem::path& file, const std::string& reason) {
  put(stderr, fmt::format("lockstep: {}: cannot be written ({}); the run goes on\n", file.string(), reason));
}

}  // namespace

void set_rank(int rank) { process_rank = rank; }

void set_wording(std::string (*wording)(std::string_view line)) { own_wording = wording; }

void open_file(const std::filesystem::path& file, bool append) {
  if (process_rank != 0) return;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (exists(status) && !is_regular_file(status)) return say_unwritable(file, "it is no file");
  try {
    file_log = std::make_shared<spdlog::logger>(
        "run", std::make_shared<spdlog::sinks::basic_file_sink_st>(file, !append));
  } catch (const spdlog::spdlog_ex& exception) {
    return say_unwritable(file, exception.what());
  }
  file_log->set_pattern("%Y-%m-%d %H:%M:%S %v");
  file_log->set_error_handler([file, reported = false](const std::string& reason) mutable {
    if (!std::exchange(reported, true)) say_unwritable(file, reason);
  });
  file_log->flush_on(spdlog::level::info);
}

void info(std::string_view line) { print(stdout, line); }

void warn(std::string_view line) { print(stderr, worded(line)); }

void warn_here(std::string_view line) {
  if (process_rank == 0) return warn(line);
  put(stderr, fmt::format("{}\n", worded(line)));
}

void warn_once(std::string_view line) { warn_once(line, line); }

void warn_once(std::string_view line, std::string_view subject) {
  static std::set<std::string, std::less<>> warned_of;
  if (warned_of.emplace(subject).second) warn(line);
}

void status(std::string_view line) {
  if (process_rank != 0 || !is_terminal()) return;
  clear_status();
  put(stdout, std::string(line));
  status_width = line.size();
}

int lost_output() { return output_error; }

bool is_terminal() {
  // mpirun gives its processes a pseudo-terminal even when its own output goes to a file.
  static const bool terminal = isatty(STDOUT_FILENO) == 1 &&
                               (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr || launcher_is_terminal());
  return terminal;
}

}  // namespace lockstep::log
