#include "comm/activity.hpp"

#include <atomic>
#include <ctime>
#include <utility>

#include "core/rank_status.hpp"

namespace lockstep {

namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

void Activity::look(double seconds, bool others_work) {
  const std::uint64_t waits = own_status().waits.load(std::memory_order_relaxed);
  const double busy = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - seconds_of(CLOCK_THREAD_CPUTIME_ID);
  const bool is_waiting = waits % 2 == 1;
  const bool same_wait = std::exchange(waits_, waits) == waits;
  if (!same_wait || !is_waiting) {
    waited_ = 0;
  } else if (!others_work) {
    waited_ += seconds;
  }
  // The message library's threads use some microseconds a second; a slow disk's reader many times that.
  constexpr double kIdleShare = 1e-4;
  if (is_waiting || !same_wait || busy - busy_ > kIdleShare * (still_ + 1)) {
    still_ = 0;
    busy_ = busy;
  } else {
    still_ += seconds;
  }
}

}  // namespace lockstep
