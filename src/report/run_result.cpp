#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "core/human.hpp"
#include "core/text.hpp"
#include "report/run_metric.hpp"
#include "report/run_sections.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::ordered_json;

/// The result that is read first: accuracy, else RMSE, else the loss.
std::string headline_metric(const RunRecord& run) {
  const auto has = [&](const char* metric) {
    return std::any_of(run.evaluations.begin(), run.evaluations.end(),
                       [&](const EvaluationRecord& one) { return std::isfinite(one.value(metric)); });
  };
  for (const char* const metric : {"accuracy", "rmse"}) {
    if (has(metric)) return metric;
  }
  return "loss";
}

Json finite_or_word(double value) { return std::isfinite(value) ? Json(value) : Json("not finite"); }

void add_item(Json& items, const std::string& name, const Json& value) {
  items.push_back({{"name", name}, {"value", value}});
}

/// The last evaluation of `part`; none where there is none.
const EvaluationRecord* last_of(const RunRecord& run, const std::string& part) {
  const EvaluationRecord* last = nullptr;
  for (const EvaluationRecord& one : run.evaluations) {
    if (one.part == part) last = &one;
  }
  return last;
}

/// The best epochs of the part by which epochs are chosen.
void add_best(Json& items, const RunRecord& run, const std::string& metric) {
  const std::string part = run.choice_part();
  const EvaluationRecord* const best = run.best(part, metric);
  if (best == nullptr) return;
  const MetricText text = metric_text(metric);
  add_item(items, fmt::format("{} {} {}", text.lower_is_better ? "lowest" : "highest", part, text.name),
           fmt::format("{:.5g} in epoch {:.4g}", best->value(metric), best->epoch));
}

}  // namespace

std::string status_text(RunStatus status) {
  switch (status) {
    case RunStatus::kRunning:
      return "running";
    case RunStatus::kFinished:
      return "finished";
    case RunStatus::kFailed:
      return "failed";
    case RunStatus::kInterrupted:
      return "interrupted";
  }
  return "";
}

Json result_section(const RunRecord& run) {
  const std::string metric = headline_metric(run);
  const std::string part = run.choice_part();
  Json section = {{"type", "result"}, {"id", "result"}, {"title", "Result"}};
  const Json notes = run.setting("run.notes");
  if (notes.is_string() && notes != "") section["description"] = notes;
  section["status"] = status_text(run.status);
  const bool has_sign = run.status != RunStatus::kFinished && std::isfinite(run.last_sign);
  if (has_sign && run.status == RunStatus::kRunning) {
    section["silent"] = {{"from", run.last_sign + kSilent},
                         {"status", "no sign since " + moment_in_words(run.last_sign)}};
  }
  if (run.stop.is_object()) section["reason"] = run.stop.value("message", "");
  if (const EvaluationRecord* const last = last_of(run, part)) {
    section["headline"] = {{"name", fmt::format("{} {}", part, metric_text(metric).name)},
                           {"value", finite_or_word(last->value(metric))}};
  } else if (!run.loss.empty()) {
    section["headline"] = {{"name", "training loss, last step"}, {"value", finite_or_word(run.loss.back())}};
  }
  Json items = Json::array();
  add_best(items, run, metric);
  if (metric != "loss") add_best(items, run, "loss");
  const EvaluationRecord* const test = part == "test" ? nullptr : last_of(run, "test");
  if (test != nullptr) {
    add_item(items, "test " + metric_text(metric).name, finite_or_word(test->value(metric)));
  }
  if (has_sign) add_item(items, "last sign of life", moment_in_words(run.last_sign));
  if (run.seconds_in_steps() > 0) add_item(items, "time in steps", duration_in_words(run.seconds_in_steps()));
  add_item(items, "steps", run.step.empty() ? Json(0) : Json(run.step.back()));
  if (!run.epoch.empty()) add_item(items, "epochs", run.epoch.back());
  const Json tags = run.setting("run.tags");
  if (tags.is_string() && tags != "") add_item(items, "tags", tags);
  section["items"] = std::move(items);
  return section;
}

}  // namespace lockstep
