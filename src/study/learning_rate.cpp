#include "study/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/functions.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/train/trainer.hpp"
#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

/// Once the smoothed loss is so many times the smallest before it, larger rates tell nothing.
constexpr double kTooLarge = 4;

double rate_option(const StudyRun& study, const std::string& name) {
  const std::vector<double> numbers = study.numbers(name);
  if (numbers.size() != 1 || !(numbers.front() > 0)) {
    fail_input("--{} {}: expected a learning rate above 0", name, study.option(name));
  }
  return numbers.front();
}

/// The losses of the steps, each before its update; until one is not finite.
std::vector<double> losses_of(StudyRun& study, const Config& config) {
  const Problem problem = make_problem(config, study.communicator());
  Trainer trainer(study.communicator(), make_model(config, problem), problem, config.training);
  std::vector<double> losses;
  try {
    trainer.run({.after_step = [&](const StepReport& report) {
      losses.push_back(report.loss);
      study.stop_if_asked(fmt::format("after step {} of {}", report.step, trainer.plan().total_steps));
    }});
  } catch (const Diverged&) {
    log::info(fmt::format("run      diverged after step {}", trainer.steps_done()));
  }
  return losses;
}

void show_range(StudyRun& study, const std::vector<double>& rates, const std::vector<double>& losses,
                const RangeTest& range) {
  Json chart =
      empty_chart("range", "Loss against the learning rate",
                  "The loss of each step's batch before its update, and its average over earlier steps; the "
                  "rate rises by the same factor from step to step.",
                  {"learning rate", true}, {"loss", true});
  Json measured = empty_series("loss of the batch", "dotted");
  Json smoothed = empty_series("median");
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const bool counts = i < range.end;
    study.record(
        {{"event", "rate"}, {"learning_rate", rates[i]}, {"loss", losses[i]}, {"median", range.smoothed[i]}});
    if (!counts) continue;
    add_point(measured, rates[i], losses[i]);
    add_point(smoothed, rates[i], range.smoothed[i]);
  }
  chart["series"] = {measured, smoothed};
  study.show(chart);
}

void run_learning_rate(StudyRun& study) {
  study.allow_only([](const std::string& key) {
    return !key.starts_with("schedule.") && key != "optimizer.learning-rate" && key != "train.epochs" &&
           key != "train.steps" && key != "train.on-nonfinite" && key != "train.nonfinite-limit";
  });
  const double first = rate_option(study, "from");
  const double last = rate_option(study, "to");
  const Index steps = study.count("steps");
  if (!(last > first))
    fail_input("--to {}: expected a rate above --from {}", study.option("to"), study.option("from"));
  if (steps < 10) fail_input("--steps {}: expected at least 10", steps);
  const double factor = portable::pow(last / first, 1 / static_cast<double>(steps - 1));
  const Config config = study.config_of({"rising rate",
                                         {{"optimizer.learning-rate", fmt::format("{}", first)},
                                          {"schedule.name", "exponential"},
                                          {"schedule.factor", fmt::format("{}", factor)},
                                          {"train.steps", std::to_string(steps)}}});
  const std::vector<double> losses = losses_of(study, config);
  std::vector<double> rates;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    rates.push_back(first * portable::pow(factor, static_cast<double>(i)));
  }
  study.open();
  if (losses.size() < 3) {
    fail_guard("study 'learning-rate': diverged in the first steps; give a smaller rate as --from");
  }
  const RangeTest range = examine_range(losses);
  if (range.has_fallen) {
    study.say(
        fmt::format("The loss falls fastest at a learning rate of {:.3g}, which is one to begin with; it is "
                    "smallest at {:.3g}, "
                    "above which a training is likely to be unstable.",
                    rates[range.steepest], rates[range.smallest]));
  } else {
    study.say(
        fmt::format("The loss does not fall at any rate from {:.3g} to {:.3g}; try others, or more --steps.",
                    first, rates.back()));
  }
  show_range(study, rates, losses, range);
}

}  // namespace

RangeTest examine_range(const std::vector<double>& losses) {
  LOCKSTEP_CHECK(losses.size() >= 3);
  constexpr std::size_t kParts = 20;
  const std::size_t count = losses.size();
  const std::size_t half = std::max<std::size_t>(count / kParts, 1);
  RangeTest range;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t reach = std::min({half, i, count - 1 - i});
    std::vector<double> near(losses.begin() + static_cast<std::ptrdiff_t>(i - reach),
                             losses.begin() + static_cast<std::ptrdiff_t>(i + reach + 1));
    std::ranges::nth_element(near, near.begin() + static_cast<std::ptrdiff_t>(reach));
    range.smoothed.push_back(near[reach]);
  }
  const std::vector<double>& smoothed = range.smoothed;
  for (range.end = 1; range.end < count; ++range.end) {
    if (!(smoothed[range.end] <= kTooLarge * smoothed[range.smallest])) break;
    if (smoothed[range.end] < smoothed[range.smallest]) range.smallest = range.end;
  }
  double steepest = 0;
  for (std::size_t i = half; i + half < range.end && i <= range.smallest; ++i) {
    const double fall = smoothed[i + half] - smoothed[i - half];
    if (fall >= steepest) continue;
    steepest = fall;
    range.steepest = i;
  }
  range.has_fallen = steepest < 0;
  return range;
}

Study learning_rate_study() {
  return {.name = "learning-rate",
          .summary = "the loss while the learning rate rises from step to step: which rates suit",
          .options = {{"from", "1e-6", "the first learning rate"},
                      {"to", "10", "the last one"},
                      {"steps", "200", "steps between them"}},
          .run = run_learning_rate};
}

}  // namespace lockstep
