#include "cli/evaluation_text.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "report/run_metric.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// More classes are no table that anybody reads.
constexpr std::size_t kMostListedClasses = 1000;

std::string number_text(double value) { return std::isfinite(value) ? fmt::format("{:.5g}", value) : "-"; }

std::string part_text(double part) { return std::isfinite(part) ? fmt::format("{:.4f}", part) : "-"; }

std::string target_name(const DatasetDescription& data, std::size_t k) {
  return data.target_names.empty() ? std::to_string(k) : data.target_names[k];
}

/// A first column of names to the left, and of numbers to the right.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

/// The classes, or the targets where there are several.
Table table_of(const DatasetDescription& data, const Evaluation& evaluation) {
  if (!evaluation.classes.empty() && evaluation.classes.size() <= kMostListedClasses) {
    Table table{{"class", "samples", "precision", "recall", "F1"}, {}};
    for (std::size_t k = 0; k < evaluation.classes.size(); ++k) {
      const ClassScores& scores = evaluation.classes[k];
      table.rows.push_back({data.class_name(static_cast<Index>(k)), std::to_string(scores.samples),
                            part_text(scores.precision), part_text(scores.recall), part_text(scores.f1)});
    }
    return table;
  }
  if (evaluation.targets.size() < 2) return {};
  Table table{{"target", "RMSE", "MAE", "R²"}, {}};
  for (std::size_t k = 0; k < evaluation.targets.size(); ++k) {
    const TargetScores& scores = evaluation.targets[k];
    table.rows.push_back(
        {target_name(data, k), number_text(scores.rmse), number_text(scores.mae), number_text(scores.r2)});
  }
  return table;
}

std::string text_of(const Table& table) {
  constexpr std::size_t kNumberWidth = 9;
  std::size_t widest = table.head.front().size();
  for (const auto& row : table.rows) widest = std::max(widest, row.front().size());
  std::string text;
  const auto add_line = [&](const std::vector<std::string>& row) {
    text += fmt::format("\n{:{}}", row.front(), widest);
    for (std::size_t i = 1; i < row.size(); ++i) text += fmt::format("  {:>{}}", row[i], kNumberWidth);
  };
  add_line(table.head);
  for (const auto& row : table.rows) add_line(row);
  return text;
}

}  // namespace

std::string evaluation_text(const Evaluated& evaluated) {
  const Evaluation& evaluation = evaluated.evaluation;
  constexpr int kNameWidth = 19;
  std::string text = fmt::format("{:{}}{}", "weights", kNameWidth, evaluated.weights);
  const auto add = [&](const std::string& name, const std::string& value) {
    text += fmt::format("\n{:{}}{}", name, kNameWidth, value);
  };
  add("data", fmt::format("{}, {}: {} samples", evaluated.data.name, evaluated.part, evaluation.samples));
  add("loss", std::isfinite(evaluation.loss) ? number_text(evaluation.loss) : "not finite");
  if (evaluation.accuracy) add("accuracy", fmt::format("{:.2f}%", 100 * *evaluation.accuracy));
  for (const Measure& measure : evaluation.measures)
    add(metric_text(measure.name).name, number_text(measure.value));
  const Table table = table_of(evaluated.data, evaluation);
  return table.rows.empty() ? text : text + "\n" + text_of(table);
}

Json evaluation_json(const Evaluated& evaluated) {
  const Evaluation& evaluation = evaluated.evaluation;
  Json line = {{"event", "evaluation"},
               {"weights", evaluated.weights},
               {"data", evaluated.data.name},
               {"part", evaluated.part}};
  add_results(line, evaluation);
  if (evaluation.classes.size() <= kMostListedClasses) {
    for (std::size_t k = 0; k < evaluation.classes.size(); ++k) {
      const ClassScores& scores = evaluation.classes[k];
      line["classes"].push_back({{"class", evaluated.data.class_name(static_cast<Index>(k))},
                                 {"samples", scores.samples},
                                 {"precision", scores.precision},
                                 {"recall", scores.recall},
                                 {"f1", scores.f1}});
    }
  }
  for (std::size_t k = 0; evaluation.targets.size() > 1 && k < evaluation.targets.size(); ++k) {
    const TargetScores& scores = evaluation.targets[k];
    line["targets"].push_back({{"target", target_name(evaluated.data, k)},
                               {"rmse", scores.rmse},
                               {"mae", scores.mae},
                               {"r2", scores.r2}});
  }
  return line;
}

}  // namespace lockstep
