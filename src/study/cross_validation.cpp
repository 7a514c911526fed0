#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "report/run_metric.hpp"
#include "study/numbers.hpp"
#include "study/sections.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"

namespace lockstep {

namespace {

/// A result of every fold; NaN where its training diverged, or where there is nothing to measure.
struct FoldResults {
  std::string name;  ///< as in metrics.jsonl
  std::vector<double> values;
};

/// The evaluation of the fold that was held out, at the end.
const Evaluation& evaluation_of(const Curve& fold) {
  const auto& held_out = fold.held_out;
  LOCKSTEP_CHECK(!held_out.empty() && held_out.front().first == "validation");
  return held_out.front().second;
}

/// Loss and measures, as far as every fold has them.
std::vector<FoldResults> results_of(const VariantCurves& folds) {
  std::vector<FoldResults> results;
  for (const Measure& first : scalars_of(evaluation_of(folds.front()))) {
    FoldResults result{first.name, {}};
    for (const Curve& fold : folds) {
      for (const Measure& own : scalars_of(evaluation_of(fold))) {
        if (own.name == first.name) result.values.push_back(fold.diverged ? kNothing : own.value);
      }
    }
    if (result.values.size() == folds.size()) results.push_back(std::move(result));
  }
  return results;
}

std::string text_of(const FoldResults& result) {
  const Spread all = spread(result.values);
  return fmt::format("{} {}", metric_text(result.name).name,
                     std::isfinite(all.mean) ? to_text(all) : "not known for every fold");
}

/// A line of the data for each fold, and one for all of them. Local.
void record_results(StudyRun& study, const VariantCurves& folds, const std::vector<FoldResults>& results) {
  for (std::size_t i = 0; i < folds.size(); ++i) {
    Json line = {{"event", "fold"}, {"fold", i + 1}, {"samples", evaluation_of(folds[i]).samples}};
    for (const FoldResults& result : results) line[result.name] = result.values[i];
    study.record(line);
  }
  Json mean;
  Json deviation;
  for (const FoldResults& result : results) {
    const Spread all = spread(result.values);
    mean[result.name] = all.mean;
    deviation[result.name] = all.deviation;
  }
  study.record(
      {{"event", "cross-validation"}, {"folds", folds.size()}, {"mean", mean}, {"deviation", deviation}});
}

void say_results(StudyRun& study, const VariantCurves& folds, const std::vector<FoldResults>& results) {
  for (std::size_t i = 0; i < folds.size(); ++i) {
    std::vector<std::string> texts;
    texts.reserve(results.size());
    for (const FoldResults& result : results) {
      texts.push_back(fmt::format("{} {:.4g}", metric_text(result.name).name, result.values[i]));
    }
    log::info(fmt::format("result   {}: {}", folds[i].variant, folds[i].diverged ? "diverged" : join(texts)));
  }
  const auto diverged = std::ranges::count_if(folds, &Curve::diverged);
  if (diverged > 0) {
    study.say(
        fmt::format("{} of {} trainings diverged: there is no mean over the folds.", diverged, folds.size()));
    return;
  }
  std::vector<std::string> texts;
  texts.reserve(results.size());
  for (const FoldResults& result : results) texts.push_back(text_of(result));
  study.say(fmt::format("Over {} folds: {}.", folds.size(), join(texts)));
}

Json folds_table(const VariantCurves& folds, const std::vector<FoldResults>& results) {
  Json columns = {{{"name", "held out"}, {"number", false}}, {{"name", "samples"}, {"number", true}}};
  Json mean = {"mean", nullptr};
  Json deviation = {"standard deviation", nullptr};
  for (const FoldResults& result : results) {
    columns.push_back({{"name", metric_text(result.name).name}, {"number", true}});
    const Spread all = spread(result.values);
    mean.push_back(all.mean);
    deviation.push_back(all.deviation);
  }
  Json rows = {mean, deviation};
  for (std::size_t i = 0; i < folds.size(); ++i) {
    Json row = {folds[i].variant, evaluation_of(folds[i]).samples};
    for (const FoldResults& result : results) row.push_back(result.values[i]);
    rows.push_back(row);
  }
  return {{"type", "table"},
          {"title", "Results"},
          {"description",
           "Of the samples that the training did not see, at its end: mean and sample standard deviation "
           "(n - 1) over the folds, and each fold; empty where a training diverged or there is nothing to "
           "measure."},
          {"columns", columns},
          {"rows", rows}};
}

void run_cross_validation(StudyRun& study) {
  study.allow_only([](const std::string& key) { return key != "data.fold" && key != "data.validation"; });
  const Index count = study.count("folds");
  if (count < 2) fail_input("--folds {}: expected a whole number of at least 2", count);
  std::vector<Variant> variants;
  for (Index fold = 1; fold <= count; ++fold) {
    variants.push_back({fmt::format("fold {}", fold), {{"data.fold", fmt::format("{}/{}", fold, count)}}});
  }
  study.make_problem_with_held_out(variants.front());
  study.expect(variants.size());
  VariantCurves folds;
  for (const Variant& variant : variants) folds.push_back(study.train_once(variant));

  const std::vector<FoldResults> results = results_of(folds);
  record_results(study, folds, results);
  say_results(study, folds, results);
  const std::string note = "Mean over the folds; the band goes from the smallest to the largest.";
  study.show(folds_table(folds, results));
  study.show(curves_chart("loss", "Loss", note, {folds}, &Measurement::epoch, {"epoch"},
                          drawn_parts({folds}, &MeasuredPart::loss), {"loss", true}));
  study.show(curves_chart("accuracy", "Accuracy", note, {folds}, &Measurement::epoch, {"epoch"},
                          drawn_parts({folds}, &MeasuredPart::accuracy), {"accuracy"}));
}

}  // namespace

Study cross_validation_study() {
  return {.name = "cross-validation",
          .summary = "how well a training does on samples it has not seen: each of K folds is held out once",
          .options = {{"folds", "5", "parts of the training samples, each held out from one training"},
                      evaluations_option()},
          .settings = {{"data.fold", "1/2"}},
          .run = run_cross_validation};
}

}  // namespace lockstep
