#include "lockstep/core/signals.hpp"

#include <atomic>
#include <cstddef>
#include <cstring>

namespace lockstep {

namespace {

// A handler may run on any thread.
std::atomic<int> last_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a handler must not wait");

void remember(int signal) { last_signal = signal; }

}  // namespace

void survive_failed_writes() {
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

StopSignals::StopSignals() {
  last_signal = 0;
  for (std::size_t i = 0; i < kStops.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = remember;
    // The second SIGINT finds the system's own action again.
    action.sa_flags = SA_RESTART | (kStops[i] == SIGINT ? static_cast<int>(SA_RESETHAND) : 0);
    sigaction(kStops[i], &action, &before_[i]);
  }
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < kStops.size(); ++i) sigaction(kStops[i], &before_[i], nullptr);
}

int StopSignals::requested() const { return requested_stop(); }

int requested_stop() { return last_signal; }

std::string signal_name(int signal) {
  const char* const name = sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

}  // namespace lockstep
