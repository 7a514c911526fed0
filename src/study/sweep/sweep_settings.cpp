#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "lockstep/core/functions.hpp"
#include "study/sections.hpp"
#include "study/sweep/sweep_results.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// Lines that parallel coordinates can have and still be read.
constexpr std::size_t kMostParallel = 300;

/// The keys that are no seeds and have several values, by their place in the grid.
std::vector<std::size_t> compared_axes(const SweepGrid& grid) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < grid.axes().size(); ++i) {
    if (grid.axes()[i].values.size() > 1 && !is_seed(grid.axes()[i])) places.push_back(i);
  }
  return places;
}

/// An axis with its values in their order along it.
struct Scale {
  std::vector<std::size_t> order;  ///< places of the values along the axis

  std::size_t place(std::size_t value) const {
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), value) - order.begin());
  }
};

Json axis_of(const SweepAxis& axis, const Scale& scale) {
  Json values = Json::array();
  for (const std::size_t value : scale.order) values.push_back(axis.values[value]);
  return {{"title", axis.key}, {"values", std::move(values)}};
}

/// Where the values stand between the ends of the range that they were drawn from, from 0 to 1.
Json heights_of(const SweepAxis& axis, const Scale& scale) {
  const NumberRange& range = *axis.range;
  Json heights = Json::array();
  for (const std::size_t value : scale.order) {
    const double number = *finite_number(axis.values[value]);
    heights.push_back(range.is_geometric
                          ? portable::log(number / range.low) / portable::log(range.high / range.low)
                          : (number - range.low) / (range.high - range.low));
  }
  return heights;
}

Json mean_of(const SweepGroup& group, const SweepResult& shown) {
  const double mean = last(group.curves, shown.quantity).mean;
  return std::isfinite(mean) ? Json(mean) : Json();
}

Json heat_map(const SweepPlan& plan, const std::vector<SweepGroup>& groups, const SweepResult& shown,
              std::size_t x_axis, std::size_t y_axis) {
  const SweepAxis& x = plan.grid.axes()[x_axis];
  const SweepAxis& y = plan.grid.axes()[y_axis];
  const Scale x_scale{order_along(x)};
  const Scale y_scale{order_along(y)};
  Json values(y.values.size(), Json(x.values.size(), Json()));
  for (const SweepGroup& group : groups) {
    const auto at = plan.grid.indices(group.points.front());
    values[y_scale.place(at[y_axis])][x_scale.place(at[x_axis])] = mean_of(group, shown);
  }
  return {{"type", "grid"},
          {"title", capitalized(shown.name) + " over both settings"},
          {"description", when_measured(plan) + ", the mean over the seeds where these are swept; a gap is a "
                                                "training that diverged."},
          {"name", shown.name},
          {"lower_is_better", shown.lower_is_better},
          {"x", axis_of(x, x_scale)},
          {"y", axis_of(y, y_scale)},
          {"values", std::move(values)}};
}

Json parallel_coordinates(const SweepPlan& plan, const std::vector<SweepGroup>& groups,
                          const SweepResult& shown, const std::vector<std::size_t>& places) {
  Json axes = Json::array();
  std::vector<Scale> scales;
  for (const std::size_t place : places) {
    const SweepAxis& axis = plan.grid.axes()[place];
    scales.push_back({order_along(axis)});
    axes.push_back(axis_of(axis, scales.back()));
    if (axis.range) axes.back()["heights"] = heights_of(axis, scales.back());
  }
  Json lines = Json::array();
  for (const SweepGroup& group : groups) {
    const auto indices = plan.grid.indices(group.points.front());
    Json at = Json::array();
    for (std::size_t i = 0; i < places.size(); ++i) at.push_back(scales[i].place(indices[places[i]]));
    lines.push_back({{"name", group.name}, {"at", std::move(at)}, {"result", mean_of(group, shown)}});
  }
  return {{"type", "parallel"},
          {"title", capitalized(shown.name) + " over all settings"},
          {"description",
           fmt::format("A line a setting{}, the darker the better, the best one thick; at the right its {}, "
                       "better upwards. {}. Diverged trainings are left out.",
                       groups.size() < kMostParallel ? "" : fmt::format(" of the {} best", kMostParallel),
                       shown.name, when_measured(plan))},
          {"name", shown.name},
          {"lower_is_better", shown.lower_is_better},
          {"axes", std::move(axes)},
          {"lines", std::move(lines)}};
}

}  // namespace

std::vector<SweepGroup> by_setting_best_first(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<SweepGroup> groups = by_setting(plan, results);
  const Quantity loss = choice_part(results).loss;
  const auto rank = [&](const SweepGroup& group) {  // smaller is better
    const double mean = last(group.curves, loss).mean;
    if (!std::isfinite(mean)) return std::tuple(Index{1}, 0.0);
    return std::tuple(-group.curves.front().rung, mean);
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const SweepGroup& a, const SweepGroup& b) { return rank(a) < rank(b); });
  return groups;
}

std::optional<Index> winning_point(const SweepPlan& plan, const std::vector<Curve>& results) {
  const SweepGroup best = by_setting_best_first(plan, results).front();
  if (!std::isfinite(last(best.curves, choice_part(results).loss).mean)) return std::nullopt;
  return best.points.front();
}

std::vector<Json> settings_charts(const SweepPlan& plan, const std::vector<Curve>& results) {
  const std::vector<std::size_t> places = compared_axes(plan.grid);
  if (places.size() < 2) return {};
  const SweepResult shown = choice_results(results).front();
  std::vector<SweepGroup> groups = by_setting(plan, results);
  if (places.size() == 2 && !plan.grid.is_drawn())
    return {heat_map(plan, groups, shown, places[0], places[1])};
  if (groups.size() > kMostParallel) {
    groups = by_setting_best_first(plan, results);
    groups.resize(kMostParallel);
  }
  return {parallel_coordinates(plan, groups, shown, places)};
}

}  // namespace lockstep
