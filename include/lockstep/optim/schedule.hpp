#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lockstep {

struct ScheduleOptions {
  std::string name = "constant";
  std::uint64_t warmup_steps = 0;
  double final_multiplier = 0;  ///< cosine: where it ends
};

/// The multiplier when the part `done` (0 … 1) of the steps behind the warm-up is over.
using ScheduleShape = double (*)(const ScheduleOptions& options, double done);

/// The names that a Schedule takes.
std::vector<std::string> schedule_names();

/// The multiplier of the learning rate: a pure function of the step, counted from 0 in optimizer steps.
/// Warm-up: (step + 1) / warmup_steps, linear, over any shape (Goyal et al., arXiv 1706.02677, section 2.2).
/// - constant: 1.
/// - cosine: f + (1 - f) (1 + cos π p) / 2, p the part done of the steps behind the warm-up, f the final
/// multiplier
///   (Loshchilov, Hutter, arXiv 1608.03983, eq. 5, one cycle).
class Schedule {
 public:
  /// For a run of `total_steps`. Errors: an unknown name; a warm-up longer than the run.
  Schedule(ScheduleOptions options, std::uint64_t total_steps);

  double multiplier(std::uint64_t step) const;

 private:
  ScheduleOptions options_;
  std::uint64_t total_steps_;
  ScheduleShape shape_;
};

}  // namespace lockstep
