#include "report/run_record.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>

#include <fmt/format.h>

#include "report/run_metric.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

double number(const Json& object, const char* key) {
  const Json& value = object.at(key);
  return value.is_null() ? kAbsent : value.get<double>();
}

EvaluationRecord evaluation_record(const Json& line) {
  static const std::set<std::string> known = {"event", "part",    "weights",   "epoch",
                                              "step",  "samples", "nonfinite", "time"};
  const std::string weights = line.value("weights", "");
  const std::string part = line.at("part").get<std::string>();
  EvaluationRecord evaluation{.part = weights.empty() ? part : fmt::format("{}, {} weights", part, weights),
                              .part_word = weights.empty() ? part : fmt::format("{}_{}", part, weights),
                              .epoch = number(line, "epoch"),
                              .step = number(line, "step"),
                              .samples = number(line, "samples"),
                              .nonfinite = line.contains("nonfinite") ? number(line, "nonfinite") : 0,
                              .values = {{"loss", number(line, "loss")}}};
  for (const auto& [name, value] : line.items()) {
    const bool is_metric = (value.is_number() || value.is_null()) && name != "loss" && !known.contains(name);
    if (is_metric) evaluation.values.emplace_back(name, number(line, name.c_str()));
  }
  return evaluation;
}

Json RunRecord::setting(const std::string& key) const {
  const auto found =
      std::find_if(config.begin(), config.end(), [&](const auto& entry) { return entry.first == key; });
  return found == config.end() ? Json() : Json(found->second);
}

double EvaluationRecord::value(const std::string& name) const {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == name; });
  return found == values.end() ? kAbsent : found->second;
}

std::vector<std::string> all_metrics(const std::vector<RunRecord>& runs) {
  std::vector<std::string> names;
  for (const RunRecord& run : runs) {
    for (const EvaluationRecord& evaluation : run.evaluations) {
      for (const auto& [name, value] : evaluation.values) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
    }
  }
  return names;
}

bool RunRecord::is_silent() const {
  return status == RunStatus::kRunning && static_cast<double>(std::time(nullptr)) > last_sign + kSilent;
}

double RunRecord::mean_loss(std::size_t first, std::size_t after) const {
  double sum = 0;
  double count = 0;
  for (std::size_t i = first; i < after; ++i) {
    if (skipped[i]) continue;
    sum += loss[i];
    ++count;
  }
  return count > 0 ? sum / count : kAbsent;
}

std::string RunRecord::choice_part() const {
  // Where there is an average of the weights, it is what the run chose by.
  for (const char* const part : {"validation, average weights", "validation", "test"}) {
    if (std::any_of(evaluations.begin(), evaluations.end(),
                    [&](const auto& one) { return one.part == part; }))
      return part;
  }
  return "";
}

const EvaluationRecord* RunRecord::best(const std::string& part, const std::string& metric) const {
  const double sign = metric_text(metric).lower_is_better ? 1 : -1;
  const EvaluationRecord* found = nullptr;
  for (const EvaluationRecord& one : evaluations) {
    if (one.part != part || !std::isfinite(one.value(metric))) continue;
    if (found == nullptr || sign * one.value(metric) < sign * found->value(metric)) found = &one;
  }
  return found;
}

}  // namespace lockstep
