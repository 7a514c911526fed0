// Loaded into the program before it starts, as a profiler is: a handler that does nothing, every half
// millisecond.

#include <csignal>
#include <sys/time.h>

namespace {

void do_nothing(int /*signal*/) {}

__attribute__((constructor)) void start_timer() {
  struct sigaction action {};
  action.sa_handler = do_nothing;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval half_millisecond = {{0, 500}, {0, 500}};
  setitimer(ITIMER_REAL, &half_millisecond, nullptr);
}

}  // namespace
