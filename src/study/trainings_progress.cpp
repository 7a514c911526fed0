#include "study/trainings_progress.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/human.hpp"
#include "core/text.hpp"
#include "lockstep/core/log.hpp"
#include "train/run/progress.hpp"

namespace lockstep {

void TrainingsProgress::count_earlier(double loss) {
  earlier_ += 1;
  done_ += 1;
  best_ = std::fmin(best_, loss);
}

void TrainingsProgress::step(const StepReport& report, const TrainingPlan& plan) {
  constexpr std::chrono::milliseconds kPause{100};
  if (!log::is_terminal() || Clock::now() - shown_ < kPause) return;
  shown_ = Clock::now();
  const auto total = static_cast<double>(plan.total_steps);
  const double part = static_cast<double>(report.step) / total;
  log::status(fmt::format("{}  epoch {:.1f}/{:.4g}  loss {}{}  {}", text(part), report.epoch,
                          total / static_cast<double>(plan.steps_per_epoch), loss_text(report.loss),
                          std::isfinite(best_) ? "  best " + loss_text(best_) : "", name_));
}

std::string TrainingsProgress::end(double loss) {
  done_ += 1;
  const bool leads = loss < best_;
  best_ = std::fmin(best_, loss);
  return text(0) + (leads ? ", best so far" : "");
}

std::string TrainingsProgress::ended() const {
  if (total_ == 0) return "after " + count_of(done_, "training");
  return fmt::format("after {} of {}{}", done_, is_at_most_ ? "at most " : "", count_of(total_, "training"));
}

std::string TrainingsProgress::text(double part) const {
  if (total_ == 0) return fmt::format("{} done", done_);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  const double left =
      seconds_left(seconds, static_cast<double>(done_ - earlier_) + part * static_cast<double>(at_once_),
                   static_cast<double>(total_ - earlier_));
  return fmt::format("{} of {}{} done, {}{} left", done_, is_at_most_ ? "at most " : "", total_,
                     is_at_most_ ? "up to " : "", duration_on_clock(left));
}

double seconds_left(double seconds, double done, double total) {
  return done > 0 ? seconds / done * std::max(total - done, 0.0) : 0;
}

}  // namespace lockstep
