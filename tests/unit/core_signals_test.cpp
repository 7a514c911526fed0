#include <csignal>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "lockstep/core/signals.hpp"

namespace lockstep {
namespace {

/// How a process that runs `action` ends: its exit code, or 128 + the signal.
template <typename Action>
int end_of(Action action) {
  const pid_t id = fork();
  if (id == 0) {
    std::signal(SIGINT, SIG_DFL);  // a shell ignores it for what it starts in the background
    action();
    std::_Exit(0);
  }
  int status = 0;
  waitpid(id, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(StopSignals, BecomeARequest) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    EXPECT_EQ(end_of([&] {
                const StopSignals signals;
                if (signals.requested() != 0) std::_Exit(100);
                raise(signal);
                std::_Exit(signals.requested());
              }),
              signal);
  }
}

TEST(StopSignals, TheSecondInterruptEndsTheProcess) {
  EXPECT_EQ(end_of([] {
              const StopSignals signals;
              raise(SIGINT);
              raise(SIGINT);
            }),
            128 + SIGINT);
  EXPECT_EQ(end_of([] {
              const StopSignals signals;
              for (int i = 0; i < 3; ++i) raise(SIGTERM);
              for (int i = 0; i < 3; ++i) raise(SIGUSR1);
            }),
            0);
}

TEST(SurviveFailedWrites, MakesThemNotTheEnd) {
  EXPECT_EQ(end_of([] {
              survive_failed_writes();
              raise(SIGPIPE);
              raise(SIGXFSZ);
            }),
            0);
}

TEST(StopSignals, LeaveWhatWasThere) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    EXPECT_EQ(end_of([&] {
                { const StopSignals signals; }
                raise(signal);
              }),
              128 + signal);
  }
}

TEST(StopSignals, HaveNames) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGUSR1), "SIGUSR1");
  EXPECT_EQ(signal_name(1000), "signal 1000");
}

}  // namespace
}  // namespace lockstep
