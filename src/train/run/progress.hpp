#pragma once

#include <chrono>
#include <string>

#include "lockstep/train/trainer.hpp"

namespace lockstep {

/// Tells the person how a run goes: a line that renews itself on a terminal, now and then a plain line
/// elsewhere.
class Progress {
 public:
  Progress(std::uint64_t total_steps, std::uint64_t steps_per_epoch);

  void step(const StepReport& report);

  /// Samples a second over all steps so far; counts time inside steps alone.
  double samples_per_second() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string text(const StepReport& report) const;

  std::uint64_t total_steps_;
  std::uint64_t steps_per_epoch_;
  double seconds_ = 0;
  double samples_ = 0;
  double steps_ = 0;  // of this session
  Clock::time_point shown_ = Clock::now();
};

/// With four decimals, or four digits where those would say little; "not finite".
std::string loss_text(double loss);

/// "1:05", "2:03:04".
std::string duration_text(double seconds);

}  // namespace lockstep
