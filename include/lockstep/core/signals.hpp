#pragma once

#include <array>
#include <csignal>
#include <string>

namespace lockstep {

/// From here on output that nobody reads (SIGPIPE) and a file beyond its limit (SIGXFSZ) are errors of the
/// write and not the end of the process. Local.
void survive_failed_writes();

/// While it lives, SIGTERM, SIGINT and SIGUSR1 (with which batch systems warn of a time limit) no longer end
/// the process but leave a request that it asks for; a second SIGINT ends it at once. At most one in a
/// process. Local.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that asks for the end, or 0.
  int requested() const;

 private:
  static constexpr std::array kStops = {SIGTERM, SIGINT, SIGUSR1};
  std::array<struct sigaction, kStops.size()> before_{};
};

/// The last signal that a StopSignals has taken, or 0. Local.
int requested_stop();

/// "SIGTERM".
std::string signal_name(int signal);

}  // namespace lockstep
