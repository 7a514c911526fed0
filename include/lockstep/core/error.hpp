#pragma once

#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace lockstep {

/// Exit codes of every command.
enum class ExitCode : int {
  kSuccess = 0,
  kInternal = 1,    ///< a broken invariant: a bug in Lockstep
  kBadInput = 2,    ///< bad usage, configuration or data
  kGuard = 3,       ///< the run stopped on its own guard: numbers that are not finite, ranks that differ
  kStopped = 4,     ///< a signal asked the run to stop: it left a checkpoint to go on from
  kStandstill = 5,  ///< a rank did nothing for all of the watchdog's timeout
};

/// What ends a command. The message is one line for the person: what, where, what was expected, what to try.
/// It may repeat what a file or the command line holds: control characters in it become '?'.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message);
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// A training whose numbers are no longer finite: the end of a command, but a result for a study.
class Diverged : public Error {
 public:
  explicit Diverged(const std::string& message) : Error(ExitCode::kGuard, message) {}
};

/// Any exception as the Error that ends the command: itself, advice where memory ran out, else a bug to
/// report.
Error as_error(const std::exception& exception);

/// Throws an Error for bad usage, configuration or data.
template <typename... Arguments>
[[noreturn]] void fail_input(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw Error(ExitCode::kBadInput, fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// Throws an Error for a run that has to stop.
template <typename... Arguments>
[[noreturn]] void fail_guard(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw Error(ExitCode::kGuard, fmt::format(format, std::forward<Arguments>(arguments)...));
}

namespace detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

}  // namespace lockstep

/// An invariant that holds unless Lockstep itself is wrong; stays on in every build.
#define LOCKSTEP_CHECK(condition) \
  ((condition) ? void(0) : ::lockstep::detail::check_failed(#condition, __FILE__, __LINE__))
