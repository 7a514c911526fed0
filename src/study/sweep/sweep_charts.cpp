#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/named.hpp"
#include "core/text.hpp"
#include "study/sections.hpp"
#include "study/sweep/sweep_importance.hpp"
#include "study/sweep/sweep_results.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// Lines that a chart can have and still be read.
constexpr std::size_t kMostLines = 24;

/// Loss, and accuracy where there is one, of a part.
std::vector<SweepResult> results_of_part(const MeasuredPart& part, const std::vector<Curve>& results) {
  std::vector<SweepResult> shown = {{part.name + "-loss", part.name + " loss", part.loss, true}};
  if (has_values(results, part.accuracy)) {
    shown.push_back({part.name + "-accuracy", part.name + " accuracy", part.accuracy, false});
  }
  return shown;
}

/// Of the part that counts, and of the test part beside it.
std::vector<SweepResult> results_to_draw(const std::vector<Curve>& results) {
  std::vector<SweepResult> shown = choice_results(results);
  if (!has_values(results, &Measurement::test_loss)) return shown;
  for (SweepResult& result : results_of_part(*find_named(measured_parts(), "test"), results))
    shown.push_back(result);
  return shown;
}

Axis x_axis(const SweepAxis& axis) {
  constexpr double kManyTimes = 10;
  if (!is_numeric(axis)) return {axis.key};
  const std::vector<std::size_t> order = order_along(axis);
  const double low = *finite_number(axis.values[order.front()]);
  const double high = *finite_number(axis.values[order.back()]);
  return {axis.key, low > 0 && high / low >= kManyTimes};
}

/// A line of a chart along one axis: the setting of the other keys, and for each value of the axis the
/// points, which differ in their seeds alone.
struct Line {
  std::string name;
  std::vector<std::vector<Index>> points;
};

std::vector<Line> lines_along(const SweepGrid& grid, std::size_t axis) {
  std::vector<Line> lines;
  for (Index point = 0; point < grid.size(); ++point) {
    std::vector<std::string> others;
    const auto settings = grid.settings(point);
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (i == axis || is_seed(grid.axes()[i])) continue;
      others.push_back(fmt::format("{} = {}", settings[i].first, settings[i].second));
    }
    const std::string name = others.empty() ? "result" : join(others);
    auto line = std::find_if(lines.begin(), lines.end(), [&](const Line& l) { return l.name == name; });
    if (line == lines.end()) {
      line =
          lines.insert(lines.end(), {name, std::vector<std::vector<Index>>(grid.axes()[axis].values.size())});
    }
    line->points[grid.indices(point)[axis]].push_back(point);
  }
  return lines;
}

/// The results of some points at the end of their trainings.
std::vector<double> ends_of(const std::vector<Curve>& results, const std::vector<Index>& points,
                            Quantity quantity) {
  std::vector<double> ends;
  ends.reserve(points.size());
  for (const Index point : points) ends.push_back(end_of(results[static_cast<std::size_t>(point)], quantity));
  return ends;
}

/// One line where there would be too many: the best over the other keys, in a band from the lowest to the
/// highest.
void add_best(Json& series, const Json& x, const std::vector<double>& ends, bool lower_is_better) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double end : ends) {
    if (!std::isfinite(end)) continue;
    low = std::min(low, end);
    high = std::max(high, end);
  }
  if (high < low) low = high = std::numeric_limits<double>::quiet_NaN();
  add_point(series, x, lower_is_better ? low : high);
  add_band(series, low, high);
}

/// Keeps trainings that went astray without diverging from squeezing all others: a loss far above that of the
/// initial weights lies outside of the picture.
void limit_losses(Json& chart, const std::vector<Curve>& results, Quantity loss) {
  constexpr double kFar = 10;
  constexpr double kMargin = 0.8;
  double initial = 0;
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const Curve& curve : results) {
    if (curve.points.empty()) continue;
    const double first = curve.points.front().*loss;
    if (std::isfinite(first)) initial = std::max(initial, first);
    const double end = end_of(curve, loss);
    if (!(end > 0 && std::isfinite(end))) continue;
    low = std::min(low, end);
    high = std::max(high, end);
  }
  if (high > kFar * initial && low < initial) chart["y"]["range"] = {kMargin * low, kFar * initial};
}

Json chart_along(const SweepPlan& plan, const std::vector<Curve>& results, std::size_t axis,
                 const SweepResult& shown) {
  const SweepAxis& swept = plan.grid.axes()[axis];
  const auto lines = lines_along(plan.grid, axis);
  const bool in_one = lines.size() > kMostLines;
  Json chart = empty_chart(
      shown.id + "-" + swept.key, capitalized(shown.name) + " over " + swept.key,
      when_measured(plan) +
          (in_one
               ? ": the best over the other keys, in a band from the lowest to the highest. Diverged "
                 "trainings are left out."
               : ". A gap is a training that diverged. Where seeds are swept: the mean over them, in a band "
                 "from the lowest to the highest."),
      x_axis(swept), {shown.name, shown.lower_is_better});
  if (shown.lower_is_better) limit_losses(chart, results, shown.quantity);
  const auto x_of = [&](std::size_t at) {
    return is_numeric(swept) ? number_or_text(swept.values[at]) : Json(swept.values[at]);
  };
  const auto ends_at = [&](const Line& line, std::size_t at) {
    return ends_of(results, line.points[at], shown.quantity);
  };
  const std::vector<std::size_t> order = order_along(swept);
  if (in_one) {
    Json best = empty_series("best of the others");
    for (const std::size_t at : order) {
      std::vector<double> ends;
      ends.reserve(lines.size());
      for (const Line& line : lines) ends.push_back(spread(ends_at(line, at)).mean);
      add_best(best, x_of(at), ends, shown.lower_is_better);
    }
    chart["series"].push_back(std::move(best));
    return chart;
  }
  for (const Line& line : lines) {
    Json series = empty_series(line.name);
    for (const std::size_t at : order) {
      const std::vector<double> ends = ends_at(line, at);
      const double mean = spread(ends).mean;
      add_point(series, x_of(at), mean);
      if (ends.size() == 1) continue;
      const auto [low, high] = std::minmax_element(ends.begin(), ends.end());
      const bool has_band = std::isfinite(mean);  // NaN has no order
      add_band(series, has_band ? *low : mean, has_band ? *high : mean);
    }
    chart["series"].push_back(std::move(series));
  }
  return chart;
}

/// What was drawn is no line: a point a setting; null where there is none to show.
Json points_along(const SweepPlan& plan, const std::vector<SweepGroup>& groups,
                  const std::vector<Curve>& results, std::size_t axis, const SweepResult& shown) {
  const SweepAxis& swept = plan.grid.axes()[axis];
  Json chart = empty_chart(shown.id + "-" + swept.key, capitalized(shown.name) + " over " + swept.key,
                           when_measured(plan) +
                               ": a point a setting, the mean over the seeds where these "
                               "are swept. Diverged trainings are left out.",
                           x_axis(swept), {shown.name, shown.lower_is_better});
  chart["kind"] = "points";
  if (shown.lower_is_better) limit_losses(chart, results, shown.quantity);
  Json series = empty_series("settings");
  for (const SweepGroup& group : groups) {
    const std::string& value = swept.values[plan.grid.indices(group.points.front())[axis]];
    const double mean = last(group.curves, shown.quantity).mean;
    if (std::isfinite(mean)) add_point(series, is_numeric(swept) ? number_or_text(value) : Json(value), mean);
  }
  if (series["x"].empty()) return {};
  chart["series"].push_back(std::move(series));
  return chart;
}

}  // namespace

std::vector<SweepResult> choice_results(const std::vector<Curve>& results) {
  return results_of_part(choice_part(results), results);
}

std::vector<Json> sweep_charts(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<Json> charts;
  const std::vector<SweepAxis>& axes = plan.grid.axes();
  const bool only_seeds = std::all_of(axes.begin(), axes.end(), is_seed);
  const std::vector<SweepGroup> groups = by_setting(plan, results);
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axes[axis].values.size() < 2 || (is_seed(axes[axis]) && !only_seeds)) continue;
    for (const SweepResult& shown : results_to_draw(results)) {
      Json chart = plan.grid.is_drawn() && !only_seeds ? points_along(plan, groups, results, axis, shown)
                                                       : chart_along(plan, results, axis, shown);
      if (!chart.is_null()) charts.push_back(std::move(chart));
    }
  }
  if (plan.evaluations > 1 && groups.size() <= kMostLines) {
    std::vector<VariantCurves> variants;
    variants.reserve(groups.size());
    for (const SweepGroup& group : groups) variants.push_back(group.curves);
    charts.push_back(curves_chart("curves", "Training loss", "At each measurement.", variants,
                                  &Measurement::epoch, {"epoch"}, {{&Measurement::training_loss, ""}},
                                  {"loss", true}));
  }
  return charts;
}

}  // namespace lockstep
