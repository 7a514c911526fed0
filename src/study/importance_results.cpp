#include "study/importance_results.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include <fmt/format.h>

#include "core/json.hpp"
#include "core/text.hpp"
#include "report/run_metric.hpp"
#include "study/curve.hpp"
#include "study/numbers.hpp"
#include "study/sections.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;
using ImportanceResults = std::vector<double> ColumnImportance::*;

/// More bars are no picture that anybody reads.
constexpr std::size_t kMostBars = 40;

double rank_of(const ColumnImportance& column) {
  const double rise = spread(column.loss).mean;
  return std::isnan(rise) ? kInfinity : rise;
}

std::string rounded_text(double value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : "-"; }

std::string with_spread(const std::vector<double>& values) {
  const Spread all = spread(values);
  return std::isfinite(all.deviation) ? fmt::format("{} ± {:.2g}", rounded_text(all.mean), all.deviation)
                                      : rounded_text(all.mean);
}

std::string samples_text(const Importance& importance) {
  return count_of(importance.unpermuted.samples, importance.part + " sample");
}

std::string permutations_text(const Importance& importance) {
  return count_of(std::ssize(importance.columns.front().loss), "permutation");
}

Json importance_bars(const Importance& importance, const std::string& id, const std::string& title,
                     const std::string& description, const std::string& name, ImportanceResults results) {
  Json items = Json::array();
  const std::size_t count = std::min(importance.columns.size(), kMostBars);
  for (std::size_t i = 0; i < count; ++i) {
    const Spread all = spread(importance.columns[i].*results);
    items.push_back(
        {{"name", importance.columns[i].name}, {"value", all.mean}, {"deviation", all.deviation}});
  }
  const std::string shown =
      count < importance.columns.size()
          ? fmt::format(" The {} most important of {} columns.", count, importance.columns.size())
          : "";
  return {{"type", "bars"}, {"id", id},      {"title", title}, {"description", description + shown},
          {"name", name},   {"items", items}};
}

Json columns_table(const Importance& importance) {
  const std::string score = metric_text(importance.score).name;
  Json columns = Json::array();
  for (const std::string& name :
       {std::string("column"), std::string("features"), std::string("rise of the loss"),
        std::string("± rise of the loss"), "fall of the " + score, "± fall of the " + score}) {
    columns.push_back({{"name", name}, {"number", !columns.empty()}});
  }
  Json rows = Json::array();
  for (const ColumnImportance& column : importance.columns) {
    const Spread loss = spread(column.loss);
    const Spread fall = spread(column.score);
    rows.push_back({column.name, column.features, loss.mean, loss.deviation, fall.mean, fall.deviation});
  }
  return {{"type", "table"},
          {"title", "Columns"},
          {"description",
           fmt::format("Mean and sample standard deviation over {} of each column; the features that stand "
                       "for it are permuted together. table.csv holds the same.",
                       permutations_text(importance))},
          {"columns", columns},
          {"rows", rows}};
}

}  // namespace

std::string score_name(const Evaluation& evaluation) { return evaluation.accuracy ? "accuracy" : "r2"; }

double score_of(const Evaluation& evaluation) {
  return evaluation.accuracy ? *evaluation.accuracy : evaluation.measure("r2").value_or(kNothing);
}

void sort_by_importance(std::vector<ColumnImportance>& columns) {
  std::ranges::stable_sort(columns, std::greater<>(), rank_of);
}

std::string importance_csv(const Importance& importance) {
  const std::string& score = importance.score;
  std::string text = fmt::format(
      "column,features,loss_rise,loss_rise_deviation,{}_fall,{}_fall_deviation\r\n", score, score);
  const auto number = [](double value) { return std::isfinite(value) ? json_text(Json(value)) : ""; };
  for (const ColumnImportance& column : importance.columns) {
    const Spread loss = spread(column.loss);
    const Spread fall = spread(column.score);
    text += fmt::format("{},{},{},{},{},{}\r\n", csv_field(column.name), column.features, number(loss.mean),
                        number(loss.deviation), number(fall.mean), number(fall.deviation));
  }
  return text;
}

std::vector<std::string> importance_lines(const Importance& importance, std::size_t most) {
  std::vector<std::array<std::string, 3>> rows = {
      {"column", "rise of the loss", "fall of the " + metric_text(importance.score).name}};
  const std::size_t count = std::min(importance.columns.size(), most);
  for (std::size_t i = 0; i < count; ++i) {
    const ColumnImportance& column = importance.columns[i];
    rows.push_back({column.name, with_spread(column.loss), with_spread(column.score)});
  }
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  const auto padding = [&](const std::string& field, std::size_t i) {
    return std::string(widths[i] - columns_of(field), ' ');
  };
  std::vector<std::string> lines;
  lines.reserve(rows.size());
  for (const auto& [name, loss, score] : rows) {
    lines.push_back(fmt::format("{}{}  {}{}  {}{}", name, padding(name, 0), padding(loss, 1), loss,
                                padding(score, 2), score));
  }
  if (count < importance.columns.size()) {
    lines.push_back(fmt::format("… and {} more, in table.csv", importance.columns.size() - count));
  }
  return lines;
}

std::vector<std::string> importance_findings(const Importance& importance) {
  const Evaluation& unpermuted = importance.unpermuted;
  std::vector<std::string> findings = {fmt::format(
      "Nothing permuted: loss {:.4g} and {} {} of {}.", unpermuted.loss, metric_text(importance.score).name,
      rounded_text(score_of(unpermuted)), samples_text(importance))};
  const ColumnImportance& first = importance.columns.front();
  const auto without = std::ranges::count_if(
      importance.columns, [](const ColumnImportance& column) { return !(rank_of(column) > 0); });
  if (without == std::ssize(importance.columns)) {
    findings.emplace_back("The loss rises with no column that is permuted: none of them matters here.");
    return findings;
  }
  findings.push_back(
      fmt::format("'{}' matters most: permuted, the loss rises by {}.", first.name, with_spread(first.loss)));
  if (without > 0) {
    findings.push_back(fmt::format("Permuting {} of {} alone does not make the loss rise.", without,
                                   count_of(std::ssize(importance.columns), "column")));
  }
  return findings;
}

std::vector<Json> importance_sections(const Importance& importance) {
  const std::string score = metric_text(importance.score).name;
  return {importance_bars(
              importance, "importance", "Importance of the columns",
              fmt::format("By how much the loss rises where a column is permuted over {}: mean over {}, and "
                          "the standard deviation. Columns that tell the same hide each other: with one "
                          "permuted, the network still has the other.",
                          samples_text(importance), permutations_text(importance)),
              "rise of the loss", &ColumnImportance::loss),
          importance_bars(importance, "importance-score", fmt::format("Importance by the {}", score),
                          fmt::format("By how much the {} falls, in the order of the loss.", score),
                          fmt::format("fall of the {}", score), &ColumnImportance::score),
          columns_table(importance)};
}

}  // namespace lockstep
