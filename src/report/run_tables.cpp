#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "core/human.hpp"
#include "core/text.hpp"
#include "report/run_metric.hpp"
#include "report/run_sections.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;
using Item = std::pair<std::string, Json>;

/// The field of an event that may be missing.
Json field(const Json& event, const char* name) {
  return event.is_object() ? event.value(name, Json()) : Json();
}

/// The mean loss of the steps of the last epoch that were taken.
Json last_training_loss(const RunRecord& run) {
  std::size_t begin = run.step.size();
  while (begin > 0 && run.epoch[begin - 1] > run.epoch.back() - 1) --begin;
  const double mean = run.mean_loss(begin, run.step.size());
  return std::isfinite(mean) ? Json(mean) : Json();
}

/// What the last evaluation of each part has.
void add_last_evaluations(std::vector<Item>& items, const RunRecord& run) {
  const auto set = [&](const std::string& name, const Json& value) {
    const auto known =
        std::find_if(items.begin(), items.end(), [&](const Item& i) { return i.first == name; });
    if (known != items.end()) {
      known->second = value;
    } else {
      items.emplace_back(name, value);
    }
  };
  for (const EvaluationRecord& evaluation : run.evaluations) {
    for (const auto& [name, value] : evaluation.values) {
      if (!std::isfinite(value) && name != "loss") continue;
      set(fmt::format("{} {}", evaluation.part, metric_text(name).name),
          std::isfinite(value) ? Json(value) : Json("not finite"));
    }
  }
}

/// A setting as a number where it is one, so that a table sorts by it.
Json numeric_setting(const RunRecord& run, const std::string& key) {
  const Json text = run.setting(key);
  const std::optional<double> number = text.is_null() ? std::nullopt : parse_number(text.get<std::string>());
  return number ? Json(*number) : text;
}

/// What a run came to, then what it was; null where that is unknown.
std::vector<Item> summary(const RunRecord& run) {
  std::vector<Item> items;
  items.emplace_back("training loss, last epoch", last_training_loss(run));
  add_last_evaluations(items, run);
  items.emplace_back("samples/s", field(run.end, "samples_per_second"));
  items.emplace_back("steps", run.step.empty() ? Json(0) : Json(run.step.back()));
  const auto skipped = std::count(run.skipped.begin(), run.skipped.end(), true);
  items.emplace_back("skipped steps", skipped > 0 ? Json(skipped) : Json());
  items.emplace_back("status", run.is_silent() ? "no sign since " + moment_in_words(run.last_sign)
                                               : status_text(run.status));
  items.emplace_back("duration, s", run.seconds_in_steps() > 0 ? Json(run.seconds_in_steps()) : Json());
  items.emplace_back("tags", run.setting("run.tags"));
  items.emplace_back("network", run.setting("model.layers"));
  items.emplace_back("parameters", field(run.start, "parameters"));
  items.emplace_back("data", run.setting("data.source"));
  items.emplace_back("training samples", field(run.start, "training_samples"));
  items.emplace_back("optimizer", run.setting("optimizer.name"));
  items.emplace_back("learning rate", numeric_setting(run, "optimizer.learning-rate"));
  items.emplace_back("schedule", run.setting("schedule.name"));
  items.emplace_back("batch size", numeric_setting(run, "train.batch-size"));
  items.emplace_back("micro-batches", field(run.start, "micro_batches"));
  items.emplace_back("seed", run.setting("train.seed"));
  items.emplace_back("ranks", field(run.start, "world_size"));
  items.emplace_back("threads a rank", field(run.start, "threads"));
  items.emplace_back("CPU", field(run.start, "cpu"));
  items.emplace_back("libraries", run.libraries.empty() ? Json() : Json(run.libraries));
  items.emplace_back("Lockstep", field(run.start, "version"));
  items.emplace_back("weights_digest", field(run.end, "weights_digest"));
  items.emplace_back("average_digest", field(run.end, "average_digest"));
  return items;
}

Json facts(const RunRecord& run) {
  Json items = Json::array();
  for (const auto& [name, value] : summary(run)) {
    if (!value.is_null()) items.push_back({{"name", name}, {"value", value}});
  }
  return {{"type", "facts"}, {"title", "Run"}, {"folded", true}, {"items", items}};
}

Json column(const std::string& name, bool number) { return {{"name", name}, {"number", number}}; }

Json table(const std::string& title, const std::string& description, Json columns, Json rows) {
  return {{"type", "table"},
          {"title", title},
          {"description", description},
          {"folded", true},
          {"columns", std::move(columns)},
          {"rows", std::move(rows)}};
}

/// A row a run, a column for every item that some run has.
Json summary_table(const std::vector<RunRecord>& runs) {
  std::vector<std::vector<Item>> summaries;
  std::vector<std::string> names;
  for (const RunRecord& run : runs) {
    std::size_t at = 0;  // where a name that the runs before have not belongs
    for (const auto& [name, value] : summaries.emplace_back(summary(run))) {
      const auto known = std::find(names.begin(), names.end(), name);
      if (known != names.end()) {
        at = static_cast<std::size_t>(known - names.begin()) + 1;
      } else {
        names.insert(names.begin() + static_cast<std::ptrdiff_t>(at++), name);
      }
    }
  }
  Json columns = Json::array({column("run", false)});
  Json rows = Json::array();
  for (const RunRecord& run : runs) rows.push_back(Json::array({run.name}));
  for (const std::string& name : names) {
    Json values = Json::array();
    for (const std::vector<Item>& items : summaries) {
      const auto item =
          std::find_if(items.begin(), items.end(), [&](const Item& i) { return i.first == name; });
      values.push_back(item == items.end() ? Json() : item->second);
    }
    const auto is = [&](auto predicate) { return std::all_of(values.begin(), values.end(), predicate); };
    if (is([](const Json& value) { return value.is_null(); })) continue;
    columns.push_back(
        column(name, is([](const Json& value) { return value.is_null() || value.is_number(); })));
    for (std::size_t i = 0; i < runs.size(); ++i) rows[i].push_back(values[i]);
  }
  std::string description = "What each run came to at its end, and what it was.";
  if (runs.size() > kMostWithPredictions) {
    description += fmt::format(" Predictions are shown of the first {}.", kMostWithPredictions);
  }
  Json made = table("Runs", description, columns, rows);
  made["folded"] = false;
  made["hide_same"] = true;
  return made;
}

Json evaluation_table(const std::vector<RunRecord>& runs) {
  const bool alone = runs.size() == 1;
  Json columns = Json::array();
  if (!alone) columns.push_back(column("run", false));
  columns.push_back(column("part", false));
  using Value = std::function<double(const EvaluationRecord&)>;
  std::vector<std::pair<std::string, Value>> shown = {{"epoch", &EvaluationRecord::epoch},
                                                      {"step", &EvaluationRecord::step},
                                                      {"samples", &EvaluationRecord::samples}};
  for (const std::string& metric : all_metrics(runs)) {
    const bool is_there = std::any_of(runs.begin(), runs.end(), [&](const RunRecord& run) {
      return std::any_of(run.evaluations.begin(), run.evaluations.end(),
                         [&](const EvaluationRecord& one) { return std::isfinite(one.value(metric)); });
    });
    if (!is_there && metric != "loss") continue;
    shown.emplace_back(metric_text(metric).name,
                       [metric](const EvaluationRecord& one) { return one.value(metric); });
  }
  const bool all_finite = std::all_of(runs.begin(), runs.end(), [](const RunRecord& run) {
    return std::all_of(run.evaluations.begin(), run.evaluations.end(),
                       [](const EvaluationRecord& evaluation) { return evaluation.nonfinite == 0; });
  });
  if (!all_finite) shown.emplace_back("samples not finite", &EvaluationRecord::nonfinite);
  for (const auto& [name, value] : shown) columns.push_back(column(name, true));
  constexpr std::size_t kMostRows = 50'000;  // about 4 MB
  const std::size_t most = std::max<std::size_t>(kMostRows / runs.size(), 1);
  bool all = true;
  Json rows = Json::array();
  for (const RunRecord& run : runs) {
    const std::size_t left_out = run.evaluations.size() - std::min(run.evaluations.size(), most);
    all = all && left_out == 0;
    for (const EvaluationRecord& evaluation : std::span(run.evaluations).subspan(left_out)) {
      Json row = Json::array();
      if (!alone) row.push_back(run.name);
      row.push_back(evaluation.part);
      for (const auto& [name, value_of] : shown) {
        const double value = value_of(evaluation);
        row.push_back(std::isfinite(value) ? Json(value) : Json());
      }
      rows.push_back(std::move(row));
    }
  }
  return table("Evaluations", all ? "" : fmt::format("The last {} of each run.", most), columns, rows);
}

Json config_table(const RunRecord& run) {
  Json rows = Json::array();
  for (const auto& [key, value] : run.config) rows.push_back({key, value});
  return table("Configuration", "As in config.cfg, which runs this run again.",
               {column("key", false), column("value", false)}, rows);
}

/// A row a run, a column for every key that differs.
Json differences_table(const std::vector<RunRecord>& runs) {
  std::vector<std::string> keys;
  for (const RunRecord& run : runs) {
    for (const auto& [key, value] : run.config) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  Json columns = Json::array({column("run", false)});
  Json rows = Json::array();
  for (const RunRecord& run : runs) rows.push_back(Json::array({run.name}));
  for (const std::string& key : keys) {
    std::vector<Json> values;
    bool is_numeric = true;
    for (const RunRecord& run : runs) {
      values.push_back(numeric_setting(run, key));
      is_numeric = is_numeric && (values.back().is_number() || values.back().is_null());
    }
    if (std::count(values.begin(), values.end(), values.front()) == static_cast<std::ptrdiff_t>(runs.size()))
      continue;
    columns.push_back(column(key, is_numeric));
    for (std::size_t i = 0; i < runs.size(); ++i) rows[i].push_back(std::move(values[i]));
  }
  const bool same = columns.size() == 1;
  Json made = table("Differences in configuration",
                    same ? "The configurations are the same." : "The settings that the runs do not share.",
                    columns, same ? Json::array() : rows);
  made["folded"] = false;
  return made;
}

}  // namespace

Json summary_sections(const std::vector<RunRecord>& runs) {
  if (runs.size() == 1) return Json::array({result_section(runs.front())});
  return Json::array({summary_table(runs), differences_table(runs)});
}

Json table_sections(const std::vector<RunRecord>& runs) {
  Json sections = Json::array();
  Json evaluations = evaluation_table(runs);
  if (!evaluations["rows"].empty()) sections.push_back(std::move(evaluations));
  if (runs.size() == 1) {
    sections.push_back(facts(runs.front()));
    sections.push_back(config_table(runs.front()));
  }
  return sections;
}

}  // namespace lockstep
