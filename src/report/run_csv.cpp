#include "report/run_csv.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/text.hpp"
#include "report/run_record.hpp"

namespace lockstep {

namespace {

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

std::string result_name(const EvaluationRecord& evaluation, const std::string& metric) {
  return fmt::format("{}_{}", evaluation.part_word, metric);
}

/// The columns of what was evaluated: part by part, in the order of the first evaluations.
std::vector<std::string> result_names(const std::vector<RunRecord>& runs) {
  std::vector<std::string> parts;
  std::map<std::string, std::vector<std::string>> names_of;
  for (const RunRecord& run : runs) {
    for (const EvaluationRecord& evaluation : run.evaluations) {
      auto& names = names_of[evaluation.part_word];
      if (names.empty()) parts.push_back(evaluation.part_word);
      for (const auto& [metric, value] : evaluation.values) {
        const std::string name = result_name(evaluation, metric);
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
    }
  }
  std::vector<std::string> all;
  for (const std::string& part : parts) all.insert(all.end(), names_of[part].begin(), names_of[part].end());
  return all;
}

/// By step and name, what was evaluated; nothing where an epoch ended and nothing was.
std::map<double, std::map<std::string, double>> results_by_step(const RunRecord& run) {
  std::map<double, std::map<std::string, double>> rows;
  for (std::size_t i = 0; i < run.step.size(); ++i) {
    if (run.epoch[i] == std::floor(run.epoch[i])) rows[run.step[i]];
  }
  for (const EvaluationRecord& evaluation : run.evaluations) {
    for (const auto& [metric, value] : evaluation.values) {
      rows[evaluation.step][result_name(evaluation, metric)] = value;
    }
  }
  return rows;
}

void add_rows(std::string& text, const RunRecord& run, const std::vector<std::string>& results) {
  std::size_t begin = 0;  // of the steps since the row before
  for (const auto& [step, values] : results_by_step(run)) {
    const auto after =
        std::upper_bound(run.step.begin() + static_cast<std::ptrdiff_t>(begin), run.step.end(), step);
    const auto end = static_cast<std::size_t>(after - run.step.begin());
    if (end == begin) continue;  // a damaged record: the step is not there
    text += csv_field(run.name);
    for (const double value : {run.epoch[end - 1], step, run.time[end - 1], run.learning_rate[end - 1],
                               run.mean_loss(begin, end)}) {
      text += "," + csv_number(value);
    }
    for (const std::string& name : results) {
      const auto found = values.find(name);
      text += "," + (found == values.end() ? "" : csv_number(found->second));
    }
    text += "\n";
    begin = end;
  }
}

}  // namespace

std::string runs_csv(const std::vector<std::filesystem::path>& run_dirs) {
  const std::vector<RunRecord> runs = read_runs(run_dirs);
  const std::vector<std::string> results = result_names(runs);
  std::string text = "run,epoch,step,seconds,learning_rate,training_loss";
  for (const std::string& name : results) text += "," + csv_field(name);
  text += "\n";
  for (const RunRecord& run : runs) add_rows(text, run, results);
  return text;
}

}  // namespace lockstep
