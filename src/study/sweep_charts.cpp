#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>

#include "sections.hpp"
#include "sweep_results.hpp"
#include <fmt/format.h>

#include "lockstep/core/text.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// Lines that a chart can have and still be read.
constexpr std::size_t kMostLines = 24;

struct Result {
  std::string id, name;
  Quantity quantity;
  bool lower_is_better;
};

/// What counts: on samples that were not trained on, where there are any.
std::vector<Result> results_to_draw(const std::vector<Curve>& results) {
  const bool has_test = has_values(results, &Measurement::test_loss);
  std::vector<Result> shown = {
      has_test ? Result{"test-loss", "test loss", &Measurement::test_loss, true}
               : Result{"training-loss", "training loss", &Measurement::training_loss, true}};
  if (has_values(results, &Measurement::test_accuracy)) {
    shown.push_back({"test-accuracy", "test accuracy", &Measurement::test_accuracy, false});
  } else if (has_values(results, &Measurement::training_accuracy)) {
    shown.push_back({"training-accuracy", "training accuracy", &Measurement::training_accuracy, false});
  }
  return shown;
}

/// The places of an axis' values along x: numbers by size, texts as they were given.
std::vector<std::size_t> order_along(const SweepAxis& axis) {
  std::vector<std::size_t> order(axis.values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (is_numeric(axis)) {
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return *finite_number(axis.values[a]) < *finite_number(axis.values[b]);
    });
  }
  return order;
}

Axis x_axis(const SweepAxis& axis) {
  constexpr double kManyTimes = 10;
  if (!is_numeric(axis)) return {axis.key};
  const std::vector<std::size_t> order = order_along(axis);
  const double low = *finite_number(axis.values[order.front()]);
  const double high = *finite_number(axis.values[order.back()]);
  return {axis.key, low > 0 && high / low >= kManyTimes};
}

/// The points of the grid as lines along one axis: the setting of the other keys, and a point for each of its
/// values.
std::vector<std::pair<std::string, std::vector<Index>>> lines_along(const SweepGrid& grid, std::size_t axis) {
  std::vector<std::pair<std::string, std::vector<Index>>> lines;
  for (Index point = 0; point < grid.size(); ++point) {
    std::vector<std::string> others;
    const auto settings = grid.settings(point);
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (i != axis) others.push_back(fmt::format("{} = {}", settings[i].first, settings[i].second));
    }
    const std::string name = others.empty() ? "result" : join(others);
    auto line = std::find_if(lines.begin(), lines.end(), [&](const auto& l) { return l.first == name; });
    if (line == lines.end())
      line = lines.insert(lines.end(), {name, std::vector<Index>(grid.axes()[axis].values.size())});
    line->second[grid.indices(point)[axis]] = point;
  }
  return lines;
}

/// One line where there would be too many: the best over the other keys, in a band from the lowest to the
/// highest.
void add_best(Json& series, const Json& x, const std::vector<double>& ends, bool lower_is_better) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double end : ends) {
    if (std::isnan(end)) continue;
    low = std::min(low, end);
    high = std::max(high, end);
  }
  if (high < low) low = high = std::numeric_limits<double>::quiet_NaN();
  add_point(series, x, lower_is_better ? low : high);
  add_band(series, low, high);
}

std::string capitalized(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text;
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
    initial = std::max(initial, curve.points.front().*loss);
    const double end = end_of(curve, loss);
    if (!(end > 0)) continue;
    low = std::min(low, end);
    high = std::max(high, end);
  }
  if (high > kFar * initial && low < initial) chart["y"]["range"] = {kMargin * low, kFar * initial};
}

Json chart_along(const SweepPlan& plan, const std::vector<Curve>& results, std::size_t axis,
                 const Result& shown) {
  const SweepAxis& swept = plan.grid.axes()[axis];
  const auto lines = lines_along(plan.grid, axis);
  const bool in_one = lines.size() > kMostLines;
  Json chart = empty_chart(
      shown.id + "-" + swept.key, capitalized(shown.name) + " over " + swept.key,
      in_one ? "At the end of training: the best over the other keys, in a band from the lowest to "
               "the highest. Diverged trainings are left out."
             : "At the end of training. A gap is a training that diverged.",
      x_axis(swept), {shown.name, shown.lower_is_better});
  if (shown.lower_is_better) limit_losses(chart, results, shown.quantity);
  const auto x_of = [&](std::size_t at) {
    return is_numeric(swept) ? number_or_text(swept.values[at]) : Json(swept.values[at]);
  };
  const auto end_at = [&](const std::vector<Index>& points, std::size_t at) {
    return end_of(results[static_cast<std::size_t>(points[at])], shown.quantity);
  };
  const std::vector<std::size_t> order = order_along(swept);
  if (in_one) {
    Json best = empty_series("best of the others");
    for (const std::size_t at : order) {
      std::vector<double> ends;
      ends.reserve(lines.size());
      for (const auto& [name, points] : lines) ends.push_back(end_at(points, at));
      add_best(best, x_of(at), ends, shown.lower_is_better);
    }
    chart["series"].push_back(std::move(best));
    return chart;
  }
  for (const auto& [name, points] : lines) {
    Json series = empty_series(name);
    for (const std::size_t at : order) add_point(series, x_of(at), end_at(points, at));
    chart["series"].push_back(std::move(series));
  }
  return chart;
}

}  // namespace

std::vector<std::string> sweep_findings(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<std::string> findings;
  for (const Result& shown : results_to_draw(results)) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const double value = end_of(results[i], shown.quantity);
      if (std::isnan(value)) continue;
      const double least = best ? end_of(results[*best], shown.quantity) : value;
      if (!best || (shown.lower_is_better ? value < least : value > least)) best = i;
    }
    if (!best) continue;
    findings.push_back(fmt::format(
        "{} {}: {:.4g} at point {}, {}.", shown.lower_is_better ? "Lowest" : "Highest", shown.name,
        end_of(results[*best], shown.quantity), *best + 1, plan.grid.name(static_cast<Index>(*best))));
  }
  const auto diverged =
      std::count_if(results.begin(), results.end(), [](const Curve& c) { return c.diverged; });
  if (diverged > 0) findings.push_back(fmt::format("{} of {} points diverged.", diverged, results.size()));
  return findings;
}

std::vector<Json> sweep_charts(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<Json> charts;
  for (std::size_t axis = 0; axis < plan.grid.axes().size(); ++axis) {
    if (plan.grid.axes()[axis].values.size() < 2) continue;
    for (const Result& shown : results_to_draw(results))
      charts.push_back(chart_along(plan, results, axis, shown));
  }
  if (plan.evaluations > 1 && results.size() <= kMostLines) {
    std::vector<VariantCurves> variants;
    variants.reserve(results.size());
    for (const Curve& curve : results) variants.push_back({curve});
    charts.push_back(curves_chart("curves", "Training loss", "At each measurement.", variants,
                                  &Measurement::epoch, {"epoch"}, {{&Measurement::training_loss, ""}},
                                  {"loss", true}));
  }
  return charts;
}

}  // namespace lockstep
