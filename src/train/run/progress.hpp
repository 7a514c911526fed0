#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "lockstep/train/trainer.hpp"

namespace lockstep {

/// Tells the person how a run goes: a line that renews itself on a terminal, now and then a plain line
/// elsewhere.
class Progress {
 public:
  Progress(std::uint64_t total_steps, std::uint64_t steps_per_epoch);

  /// `best_loss`: the smallest of the samples that are held out, so far.
  void step(const StepReport& report, std::optional<double> best_loss);

  /// Samples a second over all steps so far, and over those of the last while, in which a step counts the
  /// less the longer ago it was. Time inside steps alone counts.
  double samples_per_second() const { return all_.rate(); }
  double present_samples_per_second() const { return last_.rate(); }

 private:
  using Clock = std::chrono::steady_clock;

  struct Sums {
    double seconds = 0;
    double samples = 0;
    double steps = 0;

    void add(const StepReport& report, double kept);
    double rate() const { return seconds > 0 ? samples / seconds : 0; }
  };

  std::string text(const StepReport& report, std::optional<double> best_loss) const;

  std::uint64_t total_steps_;
  std::uint64_t steps_per_epoch_;
  Sums all_;  // of this session
  Sums last_;
  Clock::time_point shown_ = Clock::now();
};

/// With four decimals, or four digits where those would say little; "not finite".
std::string loss_text(double loss);

/// The same, on a terminal as wide as most, so that those of several lines stand below each other.
std::string loss_column(double loss);

}  // namespace lockstep
