#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "study/batch_size/batch_fits.hpp"
#include "study/numbers.hpp"
#include "study/sections.hpp"

namespace lockstep {

namespace {

using TargetQuantity = double TargetRun::*;
using Batches = std::vector<BatchTrainings>;

const std::string kRegimes =
    "Perfect scaling: at most a quarter more samples than the least; plateau: at most a quarter more steps "
    "than "
    "the fewest.";

Json line(const std::string& name, const std::string& style,
          const std::vector<std::pair<double, double>>& points) {
  Json series = empty_series(name, style);
  for (const auto& [x, y] : points) add_point(series, x, y);
  return series;
}

void add(Json& chart, Json series) {
  if (!series["x"].empty()) chart["series"].push_back(std::move(series));
}

std::pair<double, double> batch_range(const Batches& batches) {
  return {batches.front().batch_size, batches.back().batch_size};
}

/// Batches that are evenly spaced on a logarithmic axis.
std::vector<double> spaced(std::pair<double, double> range) {
  constexpr int kPoints = 48;
  std::vector<double> points;
  points.reserve(kPoints + 1);
  for (int i = 0; i <= kPoints; ++i) {
    points.push_back(range.first * std::pow(range.second / range.first, static_cast<double>(i) / kPoints));
  }
  return points;
}

/// Every training at the best rates, and their medians.
void add_trainings(Json& chart, const Batches& batches, TargetQuantity quantity) {
  Json reached = empty_series("trainings");
  Json stopped = empty_series("not reached, stopped there");
  Json medians = empty_series("median");
  for (const BatchTrainings& batch : batches) {
    const auto size = static_cast<double>(batch.batch_size);
    for (const TargetRun& run : batch.best().runs)
      add_point(run.reached() ? reached : stopped, size, run.*quantity);
    if (batch.reached()) add_point(medians, size, batch.best().to_target(quantity).median);
  }
  add(chart, std::move(reached));
  add(chart, std::move(stopped));
  add(chart, std::move(medians));
}

/// The fitted curve with its band, and where there is a critical batch its two asymptotes, and where one
/// regime ends and the next begins.
void add_fit(Json& chart, const BatchFit& fit, std::optional<double> critical_batch, Need need,
             std::pair<double, double> range) {
  Json curve = empty_series("fit", "solid");
  for (const double batch : spaced(range)) {
    const Estimate value = fit.at(batch);
    add_point(curve, batch, value.value);
    // JSON has no infinity, and a logarithmic axis no 0.
    const bool is_bounded = value.low > 0 && std::isfinite(value.high);
    add_band(curve, is_bounded ? value.low : kNothing, is_bounded ? value.high : kNothing);
  }
  add(chart, std::move(curve));
  if (!critical_batch) return;
  const double critical = *critical_batch;
  const double least = fit.least().value;
  const auto [first, last] = range;
  const bool of_steps = need == Need::kSteps;
  const auto scaling = [&](double batch) { return of_steps ? least * critical / batch : least; };
  const auto plateau = [&](double batch) { return of_steps ? least : least * batch / critical; };
  // As far as they are of use: beyond, they only stretch the axis.
  constexpr double kBeyond = 8;
  const double end = std::clamp(critical * kBeyond, first, last);
  const double begin = std::clamp(critical / kBeyond, first, last);
  add(chart, line("perfect scaling", "dashed", {{first, scaling(first)}, {end, scaling(end)}}));
  add(chart, line("plateau", "dotted", {{begin, plateau(begin)}, {last, plateau(last)}}));
  const double bottom = least;
  const double top = std::max(fit.at(first).value, fit.at(last).value);
  for (const auto& [name, batch] : {std::pair("end of perfect scaling, B_crit / 4", critical / kRegimeFactor),
                                    std::pair("critical batch, B_crit", critical),
                                    std::pair("begin of the plateau, 4 B_crit", critical * kRegimeFactor)}) {
    if (first <= batch && batch <= last) add(chart, line(name, "dotted", {{batch, bottom}, {batch, top}}));
  }
}

Json points_chart(const std::string& id, const std::string& title, const std::string& description,
                  const std::string& x, const std::string& y) {
  Json chart = empty_chart(id, title, description, {x, true}, {y, true});
  chart["kind"] = "points";
  return chart;
}

Json trade_off_chart(const Batches& batches, const std::optional<BatchFits>& fits) {
  Json chart = points_chart("trade-off", "Samples against steps",
                            "What a larger batch buys: fewer steps for more samples, along (S / S_min - 1) "
                            "(E / E_min - 1) = 1. Right: small batches; left: large ones.",
                            "steps to the target", "samples to the target");
  Json medians = empty_series("median");
  for (const BatchTrainings& batch : batches) {
    if (!batch.reached()) continue;
    add_point(medians, batch.best().to_target(&TargetRun::steps).median,
              batch.best().to_target(&TargetRun::samples).median);
  }
  add(chart, std::move(medians));
  if (fits && fits->critical()) {
    const double steps = fits->trade_off.least_steps.value;
    const double samples = fits->trade_off.least_samples.value;
    Json curve = empty_series("fit", "solid");
    for (const double batch : spaced(batch_range(batches))) {
      const double ratio = batch / fits->trade_off.critical_batch.value;
      add_point(curve, steps * (1 + 1 / ratio), samples * (1 + ratio));
    }
    add(chart, std::move(curve));
  }
  return chart;
}

Json rates_chart(const Batches& batches, bool retunes) {
  Json chart = points_chart("learning-rates", "Learning rates",
                            retunes ? "The best of those tried at each batch, beside the two scaling rules."
                                    : "By the scaling rule alone.",
                            "batch size", "learning rate");
  const auto [first, last] = batch_range(batches);
  const double rate = batches.front().best().runs.front().learning_rate;
  Json found = empty_series("median");
  found["name"] = retunes ? "best" : "taken";
  for (const BatchTrainings& batch : batches) {
    add_point(found, static_cast<double>(batch.batch_size), batch.best().runs.front().learning_rate);
  }
  add(chart, std::move(found));
  add(chart, line("linear scaling", "dashed", {{first, rate}, {last, rate * last / first}}));
  add(chart, line("square-root scaling", "dotted", {{first, rate}, {last, rate * std::sqrt(last / first)}}));
  return chart;
}

Json search_chart(const Batches& batches) {
  Json chart =
      empty_chart("search", "Search for the learning rates",
                  "Median steps to the target of the trainings at each rate; a rate that was given up "
                  "has only some of the seeds. Gaps: most did not reach it.",
                  {"learning rate", true}, {"steps to the target", true});
  for (const BatchTrainings& batch : batches) {
    Json series = empty_series(fmt::format("batch {}", batch.batch_size), "solid");
    for (const auto& [k, trainings] : batch.rates) {
      add_point(series, trainings.runs.front().learning_rate, trainings.to_target(&TargetRun::steps).median);
    }
    add(chart, std::move(series));
  }
  return chart;
}

Json noise_chart(const Batches& batches, const std::optional<BatchFits>& fits) {
  Json chart =
      empty_chart("noise", "Gradient noise scale",
                  "tr Σ / |G|² over the course of the trainings at the best rates, over the steps 1, 2-3, "
                  "4-7, 8-15, … of all seeds together. Gaps: the gradient was not told from noise.",
                  {"samples", true}, {"noise scale (samples)", true});
  double first = 0;
  double last = 0;
  for (const BatchTrainings& batch : batches) {
    Json series = empty_series(fmt::format("batch {}", batch.batch_size), "solid");
    for (const NoiseSums& sums : pooled_noise(batch.best().runs)) {
      if (sums.variance <= 0) continue;
      add_point(series, sums.samples, noise_scale(sums));
      first = first == 0 ? sums.samples : std::min(first, sums.samples);
      last = std::max(last, sums.samples);
    }
    add(chart, std::move(series));
  }
  if (fits && fits->critical() && last > first) {
    const double critical = *fits->critical();
    add(chart, line("critical batch, B_crit", "dotted", {{first, critical}, {last, critical}}));
  }
  return chart;
}

Json seconds_chart(const Batches& batches) {
  Json chart =
      empty_chart("seconds", "Seconds against the batch",
                  "Inside steps, without evaluations, on the ranks that ran this study: median over the "
                  "seeds, and from the smallest to the largest.",
                  {"batch size", true}, {"seconds to the target", true});
  Json series = empty_series("median", "solid");
  for (const BatchTrainings& batch : batches) {
    if (!batch.reached()) continue;
    const Range seconds = batch.best().to_target(&TargetRun::seconds);
    add_point(series, static_cast<double>(batch.batch_size), seconds.median);
    add_band(series, seconds.low, seconds.high);
  }
  add(chart, std::move(series));
  return chart;
}

}  // namespace

void show_charts(StudyRun& study, const BatchStudyPlan& plan, const Batches& batches,
                 const std::optional<BatchFits>& fits) {
  Json steps = points_chart("steps", "Steps against the batch",
                            "Optimizer steps until " + plan.target.text() + " on " + plan.part +
                                " samples. The band is the "
                                "95 % interval of the fit S = S_min (1 + B_crit / B) to the medians. " +
                                kRegimes,
                            "batch size", "steps to the target");
  add_trainings(steps, batches, &TargetRun::steps);
  if (fits) add_fit(steps, fits->steps, fits->critical(), Need::kSteps, batch_range(batches));
  study.show(steps);
  Json samples =
      points_chart("samples", "Samples against the batch",
                   "Gradients of single samples until the target. The band is the 95 % interval of the "
                   "fit E = E_min (1 + B / B_crit) to the medians. " +
                       kRegimes,
                   "batch size", "samples to the target");
  add_trainings(samples, batches, &TargetRun::samples);
  if (fits) add_fit(samples, fits->samples, fits->critical(), Need::kSamples, batch_range(batches));
  study.show(samples);
  study.show(trade_off_chart(batches, fits));
  study.show(seconds_chart(batches));
  study.show(rates_chart(batches, plan.retunes));
  if (plan.retunes) study.show(search_chart(batches));
  study.show(noise_chart(batches, fits));
}

}  // namespace lockstep
