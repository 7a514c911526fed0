#include "study/sweep/halving.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "study/numbers.hpp"
#include "study/sweep/sweep_results.hpp"

namespace lockstep {

Halving::Halving(Index eta, Index settings, Index most_rungs) : eta_(eta), settings_(settings) {
  if (eta == 1) return;
  if (settings < eta) {
    fail_input(
        "--halving {}: {} to choose among (seeds are repetitions); expected at least {}, or no --halving",
        eta, count_of(settings, "setting"), eta);
  }
  for (Index left = settings; left >= eta && rungs_ < most_rungs; left /= eta) ++rungs_;
}

Index Halving::divisor(Index rung) const {
  Index divisor = 1;
  for (Index i = rung + 1; i < rungs_; ++i) divisor *= eta_;
  return divisor;
}

Index Halving::settings(Index rung) const {
  Index left = settings_;
  for (Index i = 0; i < rung; ++i) left /= eta_;
  return left;
}

std::uint64_t Halving::steps(std::uint64_t total, Index rung) const {
  const auto parts = static_cast<std::uint64_t>(divisor(rung));
  return total / parts + (total % parts == 0 ? 0 : 1);
}

std::string Halving::share(Index rung) const {
  return rung + 1 == rungs_ ? "all their steps" : fmt::format("1/{} of their steps", divisor(rung));
}

std::vector<Index> points_of_rung(const SweepPlan& plan, const std::vector<Curve>& results, Index rung) {
  std::vector<Index> points;
  if (rung == 0) {
    points.resize(static_cast<std::size_t>(plan.grid.size()));
    std::iota(points.begin(), points.end(), Index{0});
    return points;
  }
  const Quantity loss = choice_part(results).loss;
  std::vector<SweepGroup> settings = by_setting_best_first(plan, results);
  std::erase_if(settings, [&](const SweepGroup& group) {
    return group.curves.front().rung != rung - 1 || !std::isfinite(last(group.curves, loss).mean);
  });
  const auto most = static_cast<std::size_t>(plan.halving.settings(rung));
  settings.resize(std::min(settings.size(), most));
  for (const SweepGroup& group : settings) {
    points.insert(points.end(), group.points.begin(), group.points.end());
  }
  std::sort(points.begin(), points.end());
  return points;
}

std::string halving_finding(const SweepPlan& plan, const std::vector<Curve>& results) {
  std::vector<std::string> rungs;
  for (Index rung = 0; rung < plan.halving.rungs(); ++rung) {
    const auto trained =
        std::count_if(results.begin(), results.end(), [&](const Curve& curve) { return curve.rung >= rung; });
    rungs.push_back(fmt::format("{} to {}", count_of(trained, "point"), plan.halving.share(rung)));
  }
  double spent = 0;
  double whole = 0;
  for (const Curve& curve : results) {
    spent += curve.samples;
    whole += curve.whole_samples;
  }
  return fmt::format(
      "Successive halving trained {}: {:.0f} samples, {:.1f} % of the {:.0f} that all points would take.",
      join(rungs), spent, kPercent * spent / whole, whole);
}

}  // namespace lockstep
