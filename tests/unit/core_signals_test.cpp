#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <pthread.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/signals.hpp"

namespace lockstep {
namespace {

/// How a process that runs `action` ends: its exit code, or 128 + the signal.
template <typename Action>
int end_of(Action action) {
  const pid_t id = fork();
  if (id == 0) {
    std::signal(SIGINT, SIG_DFL);  // a shell ignores it for what it starts in the background
    std::signal(SIGHUP, SIG_DFL);
    action();
    std::_Exit(0);
  }
  int status = 0;
  waitpid(id, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void send(int signal) { kill(getpid(), signal); }

/// The request that comes within a second, or 0.
int wait_for_request() {
  for (int i = 0; i < 1000 && requested_stop() == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return requested_stop();
}

void wait_for_the_end() {
  std::this_thread::sleep_for(std::chrono::seconds(10));
  std::_Exit(100);
}

TEST(StopSignals, BecomeARequest) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) {
    EXPECT_EQ(end_of([&] {
                hold_signals();
                const StopSignals stops;
                take_signals();
                if (requested_stop() != 0) std::_Exit(100);
                send(signal);
                std::_Exit(wait_for_request());
              }),
              signal);
  }
}

TEST(StopSignals, ARequestMayComeBeforeAnybodyTakesIt) {
  EXPECT_EQ(end_of([] {
              hold_signals();
              send(SIGUSR1);
              const StopSignals stops;
              take_signals();
              std::_Exit(wait_for_request());
            }),
            SIGUSR1);
}

TEST(StopSignals, TheSecondInterruptEndsTheProcess) {
  EXPECT_EQ(end_of([] {
              hold_signals();
              const StopSignals stops;
              take_signals();
              send(SIGINT);
              wait_for_request();
              send(SIGINT);
              wait_for_the_end();
            }),
            128 + SIGINT);
  EXPECT_EQ(end_of([] {
              hold_signals();
              const StopSignals stops;
              take_signals();
              send(SIGTERM);
              const int first = wait_for_request();
              for (int i = 0; i < 3; ++i) send(SIGTERM);
              for (int i = 0; i < 3; ++i) send(SIGUSR1);
              std::this_thread::sleep_for(std::chrono::milliseconds(100));
              std::_Exit(first);
            }),
            SIGTERM);
}

TEST(StopSignals, AHangupThatWasIgnoredStaysSo) {
  EXPECT_EQ(end_of([] {
              std::signal(SIGHUP, SIG_IGN);
              hold_signals();
              const StopSignals stops;
              take_signals();
              send(SIGHUP);
              std::this_thread::sleep_for(std::chrono::milliseconds(100));
              std::_Exit(requested_stop());
            }),
            0);
}

TEST(HeldSignals, DoWhatTheyDidWhereNobodyAsksForRequests) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGALRM, SIGUSR2, SIGQUIT}) {
    EXPECT_EQ(end_of([&] {
                hold_signals();
                { const StopSignals stops; }
                take_signals();
                send(signal);
                wait_for_the_end();
              }),
              128 + signal);
  }
}

std::atomic<pthread_t> handled_on = 0;

void remember_thread(int /*signal*/) { handled_on = pthread_self(); }

TEST(HeldSignals, HandlersOfOthersRunOnNoThreadThatWasStartedAfterwards) {
  EXPECT_EQ(end_of([] {
              hold_signals();
              std::atomic<bool> ends = false;
              std::thread other([&] {
                while (!ends) std::this_thread::yield();
              });
              take_signals();
              std::signal(SIGALRM, remember_thread);  // as a library would, after the start or before
              int wrong = 0;
              for (int i = 0; i < 200; ++i) {
                handled_on = 0;
                send(SIGALRM);
                while (handled_on == 0) std::this_thread::yield();
                if (handled_on == pthread_self() || handled_on == other.native_handle()) ++wrong;
              }
              ends = true;
              other.join();
              std::_Exit(wrong == 0 ? 7 : 1);
            }),
            7);
}

TEST(SurviveFailedWrites, MakesThemNotTheEnd) {
  EXPECT_EQ(end_of([] {
              survive_lost_readers();
              survive_size_limits();
              raise(SIGPIPE);
              raise(SIGXFSZ);
            }),
            0);
}

TEST(SignalName, IsThatOfTheSystem) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGUSR1), "SIGUSR1");
  EXPECT_EQ(signal_name(SIGINT), "Ctrl-C (SIGINT)");
  EXPECT_EQ(signal_name(1000), "signal 1000");
}

}  // namespace
}  // namespace lockstep
