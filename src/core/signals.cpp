#include "core/signals.hpp"

#include <atomic>
#include <csignal>
#include <cstring>
#include <ctime>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

std::atomic<int> last_signal = 0;
std::atomic<bool> is_from_parent = false;
std::atomic<int> rememberers = 0;  // StopSignals that live
bool hangup_is_ignored = false;

sigset_t held_signals() {
  sigset_t held;
  sigfillset(&held);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPIPE}) {
    sigdelset(&held, signal);
  }
  return held;
}

sigset_t stop_signals() {
  sigset_t stops;
  sigemptyset(&stops);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&stops, signal);
  if (!hangup_is_ignored) sigaddset(&stops, SIGHUP);
  return stops;
}

/// Lets the system do with `signal`, which this thread blocks, what it does with it, here.
void deliver(int signal) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
}

void take(const siginfo_t& info) {
  static std::atomic<bool> interrupted = false;
  const int signal = info.si_signo;
  const bool is_second = signal == SIGINT && interrupted.exchange(true);
  if (rememberers > 0 && !is_second) {
    if (signal == SIGTERM && info.si_pid == getppid()) is_from_parent = true;
    last_signal = signal;
    return;
  }
  if (is_second) std::signal(SIGINT, SIG_DFL);  // also where a shell has it ignored
  deliver(signal);
}

[[noreturn]] void watch() {
  const sigset_t stops = stop_signals();
  pthread_sigmask(SIG_SETMASK, &stops, nullptr);  // all others are delivered to this thread
  while (true) {
    siginfo_t info;
    if (sigwaitinfo(&stops, &info) > 0) take(info);
  }
}

}  // namespace

void hold_signals() {
  struct sigaction action {};
  sigaction(SIGHUP, nullptr, &action);
  hangup_is_ignored = action.sa_handler == SIG_IGN;
  const sigset_t held = held_signals();
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

void take_signals() {
  const sigset_t stops = stop_signals();
  const timespec at_once{};
  for (siginfo_t info; sigtimedwait(&stops, &info, &at_once) > 0;) take(info);
  try {
    std::thread(watch).detach();
  } catch (const std::system_error& error) {
    const sigset_t held = held_signals();
    pthread_sigmask(SIG_UNBLOCK, &held, nullptr);
    log::warn(
        fmt::format("lockstep: no thread could be started for signals ({}), which now end the run without a "
                    "checkpoint; check the limits of processes",
                    error.what()));
  }
}

StopSignals::StopSignals() { ++rememberers; }

StopSignals::~StopSignals() { --rememberers; }

int requested_stop() { return last_signal; }

bool parent_asks_to_end() { return is_from_parent; }

void survive_lost_readers() { std::signal(SIGPIPE, SIG_IGN); }

void survive_size_limits() { std::signal(SIGXFSZ, SIG_IGN); }

void leave_signals_to_parent() {
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t held = held_signals();
  sigdelset(&held, SIGPROF);  // of the process' own time
  pthread_sigmask(SIG_SETMASK, &held, nullptr);
}

std::string signal_name(int signal) {
  if (signal == SIGINT) return "Ctrl-C (SIGINT)";
  const char* const name = sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

}  // namespace lockstep
