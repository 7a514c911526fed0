#pragma once

#include <chrono>
#include <limits>
#include <string>

#include "lockstep/train/trainer.hpp"

namespace lockstep {

/// Tells the person how far a study or sweep is with its trainings. Local; what it says counts on rank 0.
class TrainingsProgress {
 public:
  /// `at_once` trainings go on at a time, of which this process sees one.
  explicit TrainingsProgress(Index at_once = 1) : at_once_(at_once) {}

  /// There will be so many, those of earlier starts included. Without it nobody knows.
  void expect(Index total) {
    total_ = total;
    is_at_most_ = false;
  }
  /// The same where a search may end before. Said anew as more is known.
  void expect_at_most(Index total) {
    total_ = total;
    is_at_most_ = true;
  }

  /// Counts one that an earlier start has trained to `loss`, NaN where it diverged.
  void count_earlier(double loss);

  /// `name` is trained from here on.
  void begin(const std::string& name) { name_ = name; }

  /// Renews the line on a terminal: how many are done, how far this one is, the time left for all.
  void step(const StepReport& report, const TrainingPlan& plan);

  /// Counts one that has ended with `loss`, NaN where it diverged or losses are not compared. What to say of
  /// it: "3 of 12 done, 1:20 left, best so far"; the last where no other has as small a loss.
  std::string end(double loss);

  /// "after 3 of 12 trainings", "after 3 of at most 12 trainings", "after 3 trainings".
  std::string ended() const;

 private:
  using Clock = std::chrono::steady_clock;

  /// "3 of 12 done, 1:20 left", or "3 of at most 12 done, up to 1:20 left", with `part` of the present one.
  std::string text(double part) const;

  Index at_once_;
  Index total_ = 0;  // 0: not known
  bool is_at_most_ = false;
  Index earlier_ = 0;
  Index done_ = 0;  // earlier ones included
  double best_ = std::numeric_limits<double>::infinity();
  std::string name_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point shown_ = Clock::now();
};

/// The seconds that the rest of `total` will take, where `done` of them, parts included, took `seconds`.
double seconds_left(double seconds, double done, double total);

}  // namespace lockstep
