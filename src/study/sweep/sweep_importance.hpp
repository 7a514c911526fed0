#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "study/curve.hpp"
#include "study/sweep/sweep_grid.hpp"
#include "study/sweep/sweep_plan.hpp"

namespace lockstep {

/// Where the variance of a result over a grid comes from, in parts of it that add up to 1: the functional
/// analysis of variance, which is exact where every combination was trained. Source: Hutter, Hoos,
/// Leyton-Brown: An efficient approach for assessing hyperparameter importance. ICML 2014, equations 4 to 8.
struct VarianceShares {
  struct Setting {
    std::string key;
    double share = 0;  ///< the variance of the means at its values, over all else: its main effect
  };
  std::vector<Setting> settings;  ///< those with several values, largest share first
  double interactions = 0;        ///< what the settings explain together and no one alone
  std::optional<double> seeds;  ///< what trainings of the same settings differ in; none: seeds are not swept
};

/// Of `results`, one a point of `grid`. A pure function. Nothing where fewer than two settings have several
/// values, points are fewer than six, or results are all the same or not finite.
std::optional<VarianceShares> variance_shares(const SweepGrid& grid, const std::vector<double>& results);

/// For the terminal and the page's findings: what explains the result that settings are chosen by; and bars
/// of that and of its accuracy. A training that diverged counts as the worst that did not. Nothing where
/// there are no shares, more than half have diverged, or not all points were trained to their end.
std::vector<std::string> settings_findings(const SweepPlan& plan, const std::vector<Curve>& results);
std::vector<nlohmann::ordered_json> settings_bars(const SweepPlan& plan, const std::vector<Curve>& results);

}  // namespace lockstep
