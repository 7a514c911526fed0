#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "lockstep/nn/network.hpp"
#include "lockstep/train/step_times.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

inline constexpr std::array<const char*, 6> kUnitKindNames = {"convolution", "linear",     "normalization",
                                                              "pooling",     "activation", "other_units"};

/// All kinds of units, in that order.
inline std::array<UnitKind, kUnitKindNames.size()> all_unit_kinds() {
  std::array<UnitKind, kUnitKindNames.size()> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = static_cast<UnitKind>(i);
  return kinds;
}
inline const char* name_of(UnitKind kind) { return kUnitKindNames[static_cast<std::size_t>(kind)]; }

/// The seconds of one step that units of each kind computed on this rank, and the loss with its gradient. A
/// unit's backward has the gradients by its parameters, and not their sums.
class UnitTimes {
 public:
  double& operator()(UnitKind kind, Pass pass) { return seconds_[index(kind, pass)]; }
  double operator()(UnitKind kind, Pass pass) const { return seconds_[index(kind, pass)]; }
  double of(UnitKind kind) const { return (*this)(kind, Pass::kForward) + (*this)(kind, Pass::kBackward); }

  double loss = 0;

  double sum() const {
    double sum = loss;
    for (const double seconds : seconds_) sum += seconds;
    return sum;
  }

 private:
  static std::size_t index(UnitKind kind, Pass pass) {
    return 2 * static_cast<std::size_t>(kind) + (pass == Pass::kForward ? 0 : 1);
  }

  std::array<double, 2 * kUnitKindNames.size()> seconds_{};
};

/// Tells units apart by laps, inside of a step whose other parts `step` has: what those take while a unit
/// computes, sums over ranks above all, is not the unit's.
class UnitClock {
 public:
  /// `step` outlives the clock.
  explicit UnitClock(const StepTimes& step) : step_(step) {}

  void start_step() { times_ = {}; }
  /// What passed since the last lap was no unit's.
  void restart() {
    last_ = Clock::now();
    elsewhere_ = elsewhere();
  }
  void lap(double& part) {
    const Clock::time_point before = last_;
    const double elsewhere_before = elsewhere_;
    restart();
    part += std::chrono::duration<double>(last_ - before).count() - (elsewhere_ - elsewhere_before);
  }

  UnitTimes& times() { return times_; }
  const UnitTimes& times() const { return times_; }

 private:
  using Clock = std::chrono::steady_clock;

  double elsewhere() const {
    return step_[StepPart::kTreeAdditions] + step_[StepPart::kOverlapped] + step_[StepPart::kWaiting];
  }

  const StepTimes& step_;
  UnitTimes times_;
  Clock::time_point last_;
  double elsewhere_ = 0;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
