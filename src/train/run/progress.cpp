#include "train/run/progress.hpp"

#include <cmath>

#include <fmt/format.h>

#include "core/human.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

constexpr std::chrono::milliseconds kTerminalPause{100};
constexpr std::chrono::milliseconds kPlainPause{15000};

}  // namespace

Progress::Progress(std::uint64_t total_steps, std::uint64_t steps_per_epoch)
    : total_steps_(total_steps), steps_per_epoch_(steps_per_epoch) {}

void Progress::Sums::add(const StepReport& report, double kept) {
  seconds = kept * seconds + report.seconds;
  samples = kept * samples + static_cast<double>(report.samples);
  steps = kept * steps + 1;
}

void Progress::step(const StepReport& report, std::optional<double> best_loss) {
  constexpr double kWhile = 10;  // seconds
  all_.add(report, 1);
  last_.add(report, portable::exp(-report.seconds / kWhile));
  const auto now = Clock::now();
  if (now - shown_ < (log::is_terminal() ? kTerminalPause : kPlainPause)) return;
  shown_ = now;
  if (log::is_terminal()) {
    log::status(text(report, best_loss));
  } else {
    log::info(text(report, best_loss));
  }
}

std::string Progress::text(const StepReport& report, std::optional<double> best_loss) const {
  const double left = static_cast<double>(total_steps_ - report.step) * last_.seconds / last_.steps;
  const std::uint64_t epochs = (total_steps_ + steps_per_epoch_ - 1) / steps_per_epoch_;
  const bool has_noise = report.noise && !std::isnan(report.noise->scale);
  return fmt::format("epoch {}/{}  loss {}  {} left{}{}  step {}/{}  {:.0f} samples/s",
                     (report.step - 1) / steps_per_epoch_ + 1, epochs, loss_text(report.loss),
                     duration_on_clock(left),
                     best_loss ? fmt::format("  best {}", loss_text(*best_loss)) : "",
                     has_noise ? fmt::format("  noise scale {:.0f}", report.noise->scale) : "", report.step,
                     total_steps_, present_samples_per_second());
}

std::string loss_text(double loss) {
  constexpr double kSmall = 1e-3;
  constexpr double kLarge = 1e5;
  if (!std::isfinite(loss)) return "not finite";
  const double size = std::abs(loss);
  const bool is_usual = size == 0 || (size >= kSmall && size < kLarge);
  return is_usual ? fmt::format("{:.4f}", loss) : fmt::format("{:.4g}", loss);
}

std::string loss_column(double loss) {
  constexpr int kUsual = 9;
  return fmt::format("{:>{}}", loss_text(loss), log::is_terminal() ? kUsual : 0);
}

}  // namespace lockstep
