#pragma once

#include <chrono>
#include <optional>

namespace lockstep {

/// What a thread does between two looks at something that others have to do, one Backoff for each wait. It
/// spins about as long as waking up takes, so that short waits cost nothing; then it sleeps, longer the
/// longer it has waited. Giving the CPU away without sleeping would let a busy program on the same CPU have
/// whole slices of time, a hundred times as long as an exchange takes.
class Backoff {
 public:
  void pause();

 private:
  using Clock = std::chrono::steady_clock;

  std::optional<Clock::time_point> begin_;
  long sleeps_ = 0;
};

}  // namespace lockstep
