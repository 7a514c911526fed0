// What a sweep found, in sentences.

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.hpp"
#include "study/sections.hpp"
#include "study/sweep/sweep_importance.hpp"
#include "study/sweep/sweep_results.hpp"

namespace lockstep {

namespace {

/// Of what is the lowest or highest by its mean; null where none is finite.
const SweepGroup* best_of(const std::vector<SweepGroup>& groups, const SweepResult& shown) {
  const SweepGroup* best = nullptr;
  double best_mean = 0;
  for (const SweepGroup& group : groups) {
    const double mean = last(group.curves, shown.quantity).mean;
    if (!std::isfinite(mean)) continue;
    if (best != nullptr && !(shown.lower_is_better ? mean < best_mean : mean > best_mean)) continue;
    best = &group;
    best_mean = mean;
  }
  return best;
}

/// As the table counts them.
std::vector<Index> numbers_of(std::vector<Index> points) {
  for (Index& point : points) ++point;
  return points;
}

std::string over_seeds(const SweepGroup& group) {
  return group.curves.size() == 1
             ? ""
             : " over " + count_of(static_cast<std::int64_t>(group.curves.size()), "seed");
}

/// Where there is nothing to choose among: one point, or several that differ in their seeds.
std::string of_one_setting(const SweepGroup& group, const SweepResult& shown) {
  return fmt::format("{}: {}{}.", capitalized(shown.name), to_text(last(group.curves, shown.quantity)),
                     over_seeds(group));
}

std::string of_the_best(const SweepPlan& plan, const SweepGroup& best, const SweepResult& shown,
                        const std::vector<Curve>& results) {
  std::string text = fmt::format("{} {}: {}{}", shown.lower_is_better ? "Lowest" : "Highest", shown.name,
                                 to_text(last(best.curves, shown.quantity)), over_seeds(best));
  if (best.points.size() == 1) {
    text += fmt::format(" at point {}, {}", best.points.front() + 1, plan.grid.name(best.points.front()));
  } else {
    text += fmt::format(" with {} (points {})", best.name, fmt::join(numbers_of(best.points), ", "));
  }
  if (!has_values(results, &Measurement::test_loss)) return text + ".";
  const Quantity tested = shown.lower_is_better ? &Measurement::test_loss : &Measurement::test_accuracy;
  return fmt::format("{}; its test {}: {}.", text, shown.lower_is_better ? "loss" : "accuracy",
                     to_text(last(best.curves, tested)));
}

}  // namespace

std::vector<std::string> sweep_findings(const SweepPlan& plan, const std::vector<Curve>& results,
                                        const std::string& stopped) {
  std::vector<std::string> findings;
  const MeasuredPart& part = choice_part(results);
  std::vector<SweepGroup> groups = by_setting_best_first(plan, results);
  const bool is_choice = groups.size() > 1;
  const Index furthest = groups.front().curves.front().rung;  // results of other rungs are no match for these
  std::erase_if(groups, [&](const SweepGroup& group) { return group.curves.front().rung < furthest; });
  const bool is_whole = stopped.empty();
  if (!is_whole) findings.push_back(fmt::format("The sweep was stopped {}.", stopped));
  for (const SweepResult& shown : choice_results(results)) {
    if (!is_choice) {
      if (is_whole) findings.push_back(of_one_setting(groups.front(), shown));
    } else if (const SweepGroup* const best = best_of(groups, shown)) {
      findings.push_back(of_the_best(plan, *best, shown, results));
    }
  }
  if (plan.halving.is_on() && is_whole) findings.push_back(halving_finding(plan, results));
  for (std::string& finding : settings_findings(plan, results)) findings.push_back(std::move(finding));
  if (is_choice && part.name == "training") {
    findings.emplace_back(
        "Chosen by the training loss, as there is no validation part; set data.validation, such as 0.2, to "
        "choose "
        "by "
        "samples that are not trained on.");
  }
  const auto diverged =
      std::count_if(results.begin(), results.end(), [](const Curve& c) { return c.diverged; });
  if (diverged > 0) {
    findings.push_back(fmt::format("{} of {} diverged.", diverged,
                                   count_of(static_cast<std::int64_t>(results.size()), "point")));
  }
  const auto noted =
      std::find_if(results.begin(), results.end(), [](const Curve& c) { return !c.note.empty(); });
  if (noted != results.end()) {
    findings.push_back(fmt::format("Point {}: {}.", noted - results.begin() + 1, noted->note));
  }
  return findings;
}

}  // namespace lockstep
