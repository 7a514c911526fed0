#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lockstep::test {

/// What a program left when it ended.
struct Outcome {
  int exit_code = -1;  ///< 128 + signal where one ended it
  std::string out;
  std::string err;  ///< without what mpirun itself says of ranks that failed
  double seconds = 0;
  bool timed_out = false;  ///< it was killed
};

/// A running program, with nothing on its standard input. The destructor kills what is left.
class Process {
 public:
  /// Starts `words` in `folder`, with the environment that mpirun needs for tests.
  Process(const std::vector<std::string>& words, const std::filesystem::path& folder);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return id_; }
  void send(int signal) const;

  /// What it has written to standard error so far.
  const std::string& err();

  /// Waits for the end, at most `seconds` from now.
  Outcome wait(double seconds);

 private:
  using Clock = std::chrono::steady_clock;

  bool read_pipes(int milliseconds);
  void reap(Outcome& outcome, Clock::time_point deadline);

  pid_t id_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string out_text_, err_text_;
  Clock::time_point begin_ = Clock::now();
};

/// The processes that have `text` in their command line.
std::vector<pid_t> processes_with(const std::string& text);

/// Whether `condition` came true within `seconds`.
bool wait_until(double seconds, const std::function<bool()>& condition);

}  // namespace lockstep::test
