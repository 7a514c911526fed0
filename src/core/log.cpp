#include "lockstep/core/log.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/output.hpp"
#include "core/rank_status.hpp"
#include "core/signals.hpp"
#include "core/terminal.hpp"

namespace lockstep::log {

namespace {

int process_rank = 0;
struct FileLog {
  std::filesystem::path path;
  std::ofstream file;
  bool is_lost = false;  // and that is reported
};

std::optional<FileLog> file_log;
bool shows_status = false;
Output standard_output(stdout);
Output standard_error(stderr);
std::string (*own_wording)(std::string_view line) = nullptr;

/// The lines of a run stand in its file too: it does not wait until somebody reads them here.
void put(Output& output, std::string_view text) {
  if (file_log) {
    output.offer(text);
  } else {
    output.write(text);
  }
}

const Terminal& terminal_of(int descriptor) {
  static const Terminal output = Terminal::of(STDOUT_FILENO);
  static const Terminal errors = Terminal::of(STDERR_FILENO);
  return descriptor == STDOUT_FILENO ? output : errors;
}

void clear_status() {
  if (std::exchange(shows_status, false)) put(standard_output, kClearLine);
}

void put_line(Output& output, std::string_view line) {
  const bool has_colours =
      terminal_of(&output == &standard_output ? STDOUT_FILENO : STDERR_FILENO).has_colours;
  put(output, fmt::format("{}\n", has_colours ? with_colours(line) : line));
}

void say_unwritable(const std::filesystem::path& file, const char* reason) {
  put(standard_error,
      fmt::format("lockstep: {}: cannot be written ({}); the run goes on\n", file.string(), reason));
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[sizeof "2000-01-01 00:00:00"];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

void print(Output& output, std::string_view line) {
  if (process_rank != 0) return;
  clear_status();
  put_line(output, line);
  if (!file_log || file_log->is_lost) return;
  file_log->is_lost = !(file_log->file << local_time() << ' ' << line << std::endl);
  if (file_log->is_lost) say_unwritable(file_log->path, std::strerror(errno));
}

std::string worded(std::string_view line) {
  return own_wording == nullptr ? std::string(line) : own_wording(line);
}

}  // namespace

void set_rank(int rank) { process_rank = rank; }

void set_wording(std::string (*wording)(std::string_view line)) { own_wording = wording; }

void open_file(const std::filesystem::path& file, bool append) {
  if (process_rank != 0) return;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (exists(status) && !is_regular_file(status)) return say_unwritable(file, "it is no file");
  file_log = {.path = file, .file = std::ofstream(file, append ? std::ios::app : std::ios::trunc)};
  if (file_log->file) return;
  file_log.reset();
  say_unwritable(file, std::strerror(errno));
}

void info(std::string_view line) { print(standard_output, line); }

void warn(std::string_view line) { print(standard_error, worded(line)); }

void warn_here(std::string_view line) {
  if (process_rank == 0) return warn(line);
  put_line(standard_error, worded(line));
}

void warn_once(std::string_view line) { warn_once(line, line); }

void warn_once(std::string_view line, std::string_view subject) {
  static std::set<std::string, std::less<>> warned_of;
  if (warned_of.emplace(subject).second) warn(line);
}

void status(std::string_view line) {
  if (process_rank != 0 || !is_terminal() || standard_output.keeps()) return;
  clear_status();
  put(standard_output, cut_to(line, terminal_columns() - 1));  // in the last column, some move on
  shows_status = true;
}

void finish(bool may_wait) {
  constexpr int kSlice = 100;  // milliseconds
  int left = 10 * kSlice;      // once it may not wait: mpirun reads nothing while it ends its ranks
  const Waiting waiting;
  for (Output* const output : {&standard_output, &standard_error}) {
    while (output->keeps() && left > 0) {
      output->flush(kSlice);
      if (!may_wait || requested_stop() != 0) left -= kSlice;
    }
  }
}

int lost_output() { return standard_output.error(); }

bool is_terminal() { return terminal_of(STDOUT_FILENO).is_one; }

}  // namespace lockstep::log
