#include "core/backoff.hpp"

#include <algorithm>
#include <ctime>
#include <sys/prctl.h>

namespace lockstep {

namespace {

constexpr std::chrono::microseconds kSpin(25);

// Of sleeps, in ns.
constexpr long kLongerEachTime = 500;
constexpr long kLongest = 50'000;

/// Linux by itself lets every sleep be 50 µs longer than asked for.
bool sleep_as_long_as_asked() { return prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL) == 0; }

}  // namespace

void Backoff::pause() {
  if (sleeps_ == 0) {
    const Clock::time_point now = Clock::now();
    if (!begin_) begin_ = now;
    if (now - *begin_ < kSpin) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
      return;
    }
  }
  static thread_local const bool is_set = sleep_as_long_as_asked();
  static_cast<void>(is_set);
  const timespec duration{0, std::min(kLongest, kLongerEachTime * ++sleeps_)};
  nanosleep(&duration, nullptr);
}

}  // namespace lockstep
