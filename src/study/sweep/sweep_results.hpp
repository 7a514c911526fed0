#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "study/curve.hpp"
#include "study/sweep/sweep_journal.hpp"
#include "study/sweep/sweep_plan.hpp"

namespace lockstep {

/// What the journal keeps of a training, and the training again, with its point's name as the variant.
nlohmann::ordered_json to_result(const Curve& curve);
Curve from_result(const nlohmann::ordered_json& result, const std::string& name);

/// The trainings of all points after `rung`, in the order of the grid: those that ended earlier stand as they
/// ended. Throws nlohmann::json::exception where one is damaged.
std::vector<Curve> results_of(const SweepPlan& plan,
                              const std::map<SweepTask, nlohmann::ordered_json>& journal, Index rung);

/// The table of the results, a line a point in the order of the grid: of a training that diverged, where it
/// was last seen, and no results. No times, nor anything else that depends on how the sweep was run.
std::string table_csv(const SweepPlan& plan, const std::vector<Curve>& results);
std::string table_jsonl(const SweepPlan& plan, const std::vector<Curve>& results);

/// A swept value as a number where it is a finite one; whether all of a key's are.
std::optional<double> finite_number(const std::string& text);
nlohmann::ordered_json number_or_text(const std::string& text);
bool is_numeric(const SweepAxis& axis);
/// The places of an axis' values along it: numbers by size, texts in their order.
std::vector<std::size_t> order_along(const SweepAxis& axis);

/// Whether it has begun to be trained, in a sweep that is not at its end.
bool is_trained(const Curve& curve);

/// The trainings of one setting of the keys that are no seeds, in the order of the grid.
struct SweepGroup {
  std::string name;  ///< "key = value, key = value"
  std::vector<Index> points;
  std::vector<Curve> curves;
};
std::vector<SweepGroup> by_setting(const SweepPlan& plan, const std::vector<Curve>& results);

/// A result that a sweep is looked at for.
struct SweepResult {
  std::string id, name;
  Quantity quantity;
  bool lower_is_better;
};

/// Loss, and accuracy where there is one, of the part by which settings are chosen.
std::vector<SweepResult> choice_results(const std::vector<Curve>& results);

/// "At the end of training", or with successive halving, of a point's part of it.
std::string when_measured(const SweepPlan& plan);

/// The settings, best first: those that came to a later rung, then by their means of the loss to choose by,
/// then in the order of the grid; those without a finite mean come last.
std::vector<SweepGroup> by_setting_best_first(const SweepPlan& plan, const std::vector<Curve>& results);

/// The first point of the best setting; none where no setting has a finite mean.
std::optional<Index> winning_point(const SweepPlan& plan, const std::vector<Curve>& results);

/// A heat map of two keys, or parallel coordinates of more or of what was drawn, that are no seeds; nothing
/// of one.
std::vector<nlohmann::ordered_json> settings_charts(const SweepPlan& plan, const std::vector<Curve>& results);

/// The results over each key, and the training losses on their way.
std::vector<nlohmann::ordered_json> sweep_charts(const SweepPlan& plan, const std::vector<Curve>& results);

/// The page. Where the sweep was stopped, `stopped` tells how far it had come ("with 2 of 6 points trained").
nlohmann::ordered_json sweep_document(const SweepPlan& plan, const std::vector<Curve>& results,
                                      const std::string& stopped = "");

/// What the page says first: the best setting by choice_part, by its mean over the seeds where these are
/// swept, and how many trainings diverged. `stopped` as above.
std::vector<std::string> sweep_findings(const SweepPlan& plan, const std::vector<Curve>& results,
                                        const std::string& stopped = "");

/// The file of a point's configuration, in the sweep's folder.
std::string config_file(Index point);

}  // namespace lockstep
