#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/version.hpp"
#include "study/sections.hpp"
#include "study/sweep/sweep_importance.hpp"
#include "study/sweep/sweep_results.hpp"
#include "train/run/best_weights.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

Json column(const std::string& name, bool number) { return {{"name", name}, {"number", number}}; }

std::string command_of(const SweepPlan& plan, Index point) {
  return fmt::format("lockstep train --config {}/{}", plan.folder, config_file(point));
}

/// The best setting by its mean over the seeds, and how to train the first of its points again; nothing where
/// there is no choice, or all diverged.
Json winner(const SweepPlan& plan, const std::vector<Curve>& results,
            const std::vector<SweepGroup>& best_first) {
  const SweepGroup& best = best_first.front();
  const Index best_point = best.points.front();
  const std::vector<SweepResult> shown = choice_results(results);
  const auto result_of = [&](const SweepResult& result) { return last(best.curves, result.quantity).mean; };
  if (best_first.size() < 2 || !std::isfinite(result_of(shown.front()))) return {};
  Json items = Json::array({{{"name", "point"}, {"value", best_point + 1}}});
  for (const auto& [key, value] : plan.grid.settings(best_point))
    items.push_back({{"name", key}, {"value", value}});
  for (std::size_t i = 1; i < shown.size(); ++i)
    items.push_back({{"name", shown[i].name}, {"value", result_of(shown[i])}});
  const auto seeds = static_cast<std::int64_t>(best.points.size());
  return {{"type", "result"},
          {"id", "best"},
          {"title", "The best setting"},
          {"description", fmt::format("Chosen by the {} at the end of training{}.", shown.front().name,
                                      seeds == 1 ? "" : ", the mean over " + count_of(seeds, "seed"))},
          {"headline", {{"name", shown.front().name}, {"value", result_of(shown.front())}}},
          {"items", std::move(items)},
          {"command", command_of(plan, best_point)}};
}

/// Where the weights of the best setting are, and how to predict with them; null where it has none.
Json weights_section(const SweepPlan& plan, const std::vector<Curve>& results) {
  const auto best = winning_point(plan, results);
  if (!best) return {};
  return {
      {"type", "text"},
      {"title", "Weights"},
      {"paragraphs",
       {fmt::format("{0}/{1} holds the weights of point {2}, of the best setting's first seed. To predict "
                    "with them: lockstep predict {0}/{1} --data.source NEW_DATA",
                    plan.folder, kBestWeights, *best + 1)}}};
}

const char* ending(const SweepPlan& plan, const Curve& curve) {
  if (curve.diverged) return "diverged";
  if (!is_trained(curve)) return "not trained yet";
  return curve.rung + 1 < plan.halving.rungs() ? "no" : "yes";
}

Json results_table_of(const SweepPlan& plan, const std::vector<Curve>& results,
                      const std::vector<Index>& order) {
  const std::vector<std::pair<std::string, Quantity>> all = {
      {"validation loss", &Measurement::validation_loss},
      {"validation accuracy", &Measurement::validation_accuracy},
      {"test loss", &Measurement::test_loss},
      {"test accuracy", &Measurement::test_accuracy},
      {"training loss", &Measurement::training_loss},
      {"training accuracy", &Measurement::training_accuracy},
      {"gap", &Measurement::gap},
      {"norm of the weights", &Measurement::weight_norm}};
  Json columns = Json::array({column("point", true)});
  for (const SweepAxis& axis : plan.grid.axes()) columns.push_back(column(axis.key, is_numeric(axis)));
  if (plan.halving.is_on()) columns.push_back(column("rung", true));
  columns.push_back(column("ended", false));
  columns.push_back(column("steps", true));
  std::vector<Quantity> shown;
  for (const auto& [name, quantity] : all) {
    if (!has_values(results, quantity)) continue;
    columns.push_back(column(name, true));
    shown.push_back(quantity);
  }
  columns.push_back(column("weights_digest", false));
  Json rows = Json::array();
  for (const Index point : order) {
    const Curve& curve = results[static_cast<std::size_t>(point)];
    Json row = Json::array({point + 1});
    for (const auto& [key, value] : plan.grid.settings(point)) row.push_back(number_or_text(value));
    if (plan.halving.is_on()) row.push_back(curve.rung + 1);
    row.push_back(ending(plan, curve));
    row.push_back(curve.points.empty() ? 0 : curve.points.back().step);
    for (const Quantity quantity : shown) row.push_back(end_of(curve, quantity));
    row.push_back(curve.weights_digest);
    rows.push_back(std::move(row));
  }
  return {{"type", "table"},
          {"title", "Results"},
          {"description",
           fmt::format("Best first. {}; of one that diverged, the steps to its last measurement. table.csv "
                       "and table.jsonl hold the same.",
                       when_measured(plan))},
          {"columns", columns},
          {"rows", rows}};
}

/// A row a setting, over its seeds.
Json means_table(const std::vector<SweepGroup>& groups) {
  std::vector<VariantCurves> variants;
  variants.reserve(groups.size());
  for (const SweepGroup& group : groups) variants.push_back(group.curves);
  Json table = results_table(variants);
  table["title"] = "Means over the seeds";
  return table;
}

/// A row a point: the command that trains it alone, and the settings that not all points share.
Json commands_table(const SweepPlan& plan, const std::vector<Index>& order) {
  std::set<std::string> shared;
  for (const auto& [key, value] : shared_settings(plan)) shared.insert(key);
  std::vector<std::string> keys;
  for (const Config& config : plan.points) {
    for (const auto& [key, value] : settings_of(config)) {
      if (!shared.contains(key) && std::find(keys.begin(), keys.end(), key) == keys.end())
        keys.push_back(key);
    }
  }
  Json columns = {column("point", true), column("command", false)};
  for (const std::string& key : keys) columns.push_back(column(key, false));
  Json rows = Json::array();
  for (const Index point : order) {
    std::map<std::string, std::string> settings = facts_of(plan.points[static_cast<std::size_t>(point)]);
    for (const auto& [key, text] : plan.grid.settings(point)) {
      const auto swept = settings.find(key);
      if (swept != settings.end()) swept->second = text;  // as the person wrote it
    }
    Json row = {point + 1, command_of(plan, point)};
    for (const std::string& key : keys) {
      const auto entry = settings.find(key);
      row.push_back(entry == settings.end() ? Json() : Json(entry->second));
    }
    rows.push_back(std::move(row));
  }
  return {{"type", "table"},
          {"title", "Points"},
          {"folded", true},
          {"description",
           "Best first: the command that trains a point alone, on any number of ranks with the same bits, "
           "and the "
           "settings in which the points differ; empty where a setting has no effect."},
          {"columns", columns},
          {"rows", rows}};
}

Json shared_table(const SweepPlan& plan) {
  Json rows = Json::array();
  for (const auto& [key, value] : shared_settings(plan)) rows.push_back({key, value});
  return {{"type", "table"},
          {"title", "Configuration"},
          {"folded", true},
          {"description", "What all points share."},
          {"columns", {column("key", false), column("value", false)}},
          {"rows", rows}};
}

}  // namespace

Json sweep_document(const SweepPlan& plan, const std::vector<Curve>& results, const std::string& stopped) {
  const std::vector<SweepGroup> groups = by_setting_best_first(plan, results);
  std::vector<Index> order;
  for (const SweepGroup& group : groups) order.insert(order.end(), group.points.begin(), group.points.end());
  Json sections = Json::array();
  Json best = winner(plan, results, groups);
  if (!best.is_null()) sections.push_back(std::move(best));
  sections.push_back(
      {{"type", "text"}, {"title", "Findings"}, {"paragraphs", sweep_findings(plan, results, stopped)}});
  sections.push_back(results_table_of(plan, results, order));
  for (Json& bars : settings_bars(plan, results)) sections.push_back(std::move(bars));
  Json weights = stopped.empty() ? weights_section(plan, results) : Json();
  if (!weights.is_null()) sections.push_back(std::move(weights));
  for (Json& chart : settings_charts(plan, results)) sections.push_back(std::move(chart));
  for (Json& chart : sweep_charts(plan, results)) sections.push_back(std::move(chart));
  if (groups.size() < results.size()) sections.push_back(means_table(by_setting(plan, results)));
  sections.push_back(commands_table(plan, order));
  sections.push_back(shared_table(plan));
  std::vector<std::string> keys;
  for (const SweepAxis& axis : plan.grid.axes()) keys.push_back(axis.key);
  return {{"title", "Sweep"},
          {"subtitle", fmt::format("{} over {}", join(keys), count_of(plan.grid.size(), "point"))},
          {"generator", fmt::format("lockstep {}", kVersion)},
          {"sections", sections}};
}

}  // namespace lockstep
