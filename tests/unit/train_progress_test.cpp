// How fast a run is, and how losses are written.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "train/run/progress.hpp"

namespace lockstep {
namespace {

/// Steps of a second each.
void take_steps(Progress& progress, std::uint64_t first, std::uint64_t last, Index samples) {
  for (std::uint64_t step = first; step <= last; ++step) {
    StepReport report;
    report.step = step;
    report.seconds = 1;
    report.samples = samples;
    progress.step(report, std::nullopt);
  }
}

TEST(Progress, SpeedIsOfTheLastWhileAndOfAll) {
  Progress progress(1000, 10);
  EXPECT_EQ(progress.samples_per_second(), 0);
  EXPECT_EQ(progress.present_samples_per_second(), 0);
  take_steps(progress, 1, 100, 10);
  EXPECT_NEAR(progress.present_samples_per_second(), 10, 1e-9);
  take_steps(progress, 101, 110, 110);
  // Weights e^-i of steps i tenths of the while ago: 1 - 1/e of them are new, but for e^-11 of all.
  EXPECT_NEAR(progress.present_samples_per_second(), 10 + 100 * (1 - std::exp(-1.0)), 0.01);
  EXPECT_NEAR(progress.samples_per_second(), (100 * 10 + 10 * 110) / 110.0, 1e-9);
}

TEST(LossText, IsShortAtAnySize) {
  EXPECT_EQ(loss_text(0), "0.0000");
  EXPECT_EQ(loss_text(0.25), "0.2500");
  EXPECT_EQ(loss_text(12345.5), "12345.5000");
  EXPECT_EQ(loss_text(1.3e12), "1.3e+12");
  EXPECT_EQ(loss_text(2.5e-7), "2.5e-07");
  EXPECT_EQ(loss_text(-1e20), "-1e+20");
  EXPECT_EQ(loss_text(std::numeric_limits<double>::infinity()), "not finite");
}

}  // namespace
}  // namespace lockstep
