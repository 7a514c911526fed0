#include "study/sweep/sweep_importance.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/numbers.hpp"
#include "study/sweep/sweep_results.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

constexpr Index kFewestPoints = 6;

/// The variance of the means of the groups that `key(point)` makes, weighed by their points.
template <typename Key>
double variance_of_means(const std::vector<double>& results, double mean, const Key& key) {
  struct Sum {
    double results = 0;
    double points = 0;
  };
  std::map<std::vector<std::size_t>, Sum> sums;
  for (std::size_t point = 0; point < results.size(); ++point) {
    Sum& sum = sums[key(static_cast<Index>(point))];
    sum.results += results[point] - mean;
    ++sum.points;
  }
  double variance = 0;
  for (const auto& [values, sum] : sums) variance += sum.results * sum.results / sum.points;
  return variance / static_cast<double>(results.size());
}

/// What `shown` was at the end of all trainings; nothing where too few have one.
std::vector<double> ends_of_all(const std::vector<Curve>& results, const SweepResult& shown) {
  std::vector<double> ends;
  double worst = shown.lower_is_better ? -kInfinity : kInfinity;
  std::size_t known = 0;
  for (const Curve& curve : results) {
    const double end = end_of(curve, shown.quantity);
    ends.push_back(std::isfinite(end) ? end : kNothing);
    if (!std::isfinite(end)) continue;
    ++known;
    worst = shown.lower_is_better ? std::max(worst, end) : std::min(worst, end);
  }
  if (2 * known < results.size()) return {};
  for (double& end : ends) end = std::isnan(end) ? worst : end;
  return ends;
}

struct ShownShares {
  SweepResult result;
  VarianceShares shares;
};

std::vector<ShownShares> shares_to_show(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<ShownShares> all;
  if (plan.halving.is_on() || plan.grid.is_drawn() || std::ssize(results) != plan.grid.size()) return all;
  for (const SweepResult& shown : choice_results(results)) {
    const std::vector<double> ends = ends_of_all(results, shown);
    if (ends.empty()) continue;
    if (auto shares = variance_shares(plan.grid, ends)) all.push_back({shown, std::move(*shares)});
  }
  return all;
}

std::string percent_of(double share) { return fmt::format("{:.3g} %", kPercent * share); }

/// What is left of the variance beside single settings, with its names.
std::vector<VarianceShares::Setting> rest_of(const VarianceShares& shares) {
  if (!shares.seeds) return {{"interactions and chance", shares.interactions}};
  return {{"interactions", shares.interactions}, {"seeds", *shares.seeds}};
}

}  // namespace

std::optional<VarianceShares> variance_shares(const SweepGrid& grid, const std::vector<double>& results) {
  LOCKSTEP_CHECK(std::ssize(results) == grid.size());
  if (grid.size() < kFewestPoints) return std::nullopt;
  double mean = 0;
  for (const double result : results) mean += result / static_cast<double>(results.size());
  const double all = variance_of_means(
      results, mean, [](Index point) { return std::vector{static_cast<std::size_t>(point)}; });
  const auto [least, most] = std::ranges::minmax(results);
  if (!(least < most && std::isfinite(all))) return std::nullopt;

  VarianceShares shares;
  const std::vector<SweepAxis>& axes = grid.axes();
  double left = 1;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (is_seed(axes[axis]) || axes[axis].values.size() < 2) continue;
    const double own =
        variance_of_means(results, mean, [&](Index point) { return std::vector{grid.indices(point)[axis]}; });
    shares.settings.push_back({axes[axis].key, own / all});
    left -= own / all;
  }
  if (shares.settings.size() < 2) return std::nullopt;
  std::ranges::stable_sort(shares.settings, std::greater<>(), &VarianceShares::Setting::share);
  if (grid.settings_count() < grid.size()) {
    const double of_settings = variance_of_means(results, mean, [&](Index point) {
      std::vector<std::size_t> at = grid.indices(point);
      for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        if (is_seed(axes[axis])) at[axis] = 0;
      }
      return at;
    });
    shares.seeds = std::max(0.0, 1 - of_settings / all);
    left -= *shares.seeds;
  }
  shares.interactions = std::max(0.0, left);  // rounding may leave less than nothing
  return shares;
}

std::vector<std::string> settings_findings(const SweepPlan& plan, const std::vector<Curve>& results) {
  const std::vector<ShownShares> all = shares_to_show(plan, results);
  if (all.empty()) return {};
  const auto& [shown, shares] = all.front();
  std::vector<std::string> parts;
  for (const auto& [key, share] : shares.settings) parts.push_back(key + " " + percent_of(share));
  for (const auto& [name, share] : rest_of(shares)) parts.push_back(name + " " + percent_of(share));
  return {fmt::format("Which settings matter, by their share of the variance of the {}: {}.", shown.name,
                      join(parts))};
}

std::vector<Json> settings_bars(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<Json> sections;
  for (const auto& [shown, shares] : shares_to_show(plan, results)) {
    Json items = Json::array();
    const auto add = [&](const VarianceShares::Setting& part) {
      items.push_back({{"name", part.key}, {"value", kPercent * part.share}});
    };
    std::ranges::for_each(shares.settings, add);
    std::ranges::for_each(rest_of(shares), add);
    sections.push_back(
        {{"type", "bars"},
         {"id", "settings-" + shown.id},
         {"title", "Which settings matter for the " + shown.name},
         {"description",
          fmt::format(
              "How much of the variance of the {} over all points a setting explains by itself, as the means "
              "at "
              "its values differ; interactions are what only several explain together{}. A training that "
              "diverged counts as the worst that did not. The shares are those of the values that were "
              "swept: "
              "a wider range of a setting makes it matter more.",
              shown.name,
              shares.seeds ? ", and seeds what trainings of the same settings differ in"
                           : ", and with them chance, which swept seeds would show apart")},
         {"name", "% of the variance"},
         {"items", items}});
  }
  return sections;
}

}  // namespace lockstep
