#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/train/problem.hpp"
#include "study/importance_results.hpp"
#include "study/studies.hpp"
#include "study/study_run.hpp"
#include "train/evaluation/permuted_column.hpp"

namespace lockstep {

namespace {

/// Columns that the terminal lists; the page and table.csv have all.
constexpr std::size_t kMostListed = 30;

/// A part of `problem` that is not trained on: that which is asked for, or else the test part where there is
/// one. Errors: no such part.
const std::pair<std::string, Selection>& chosen_part(
    const std::vector<std::pair<std::string, Selection>>& parts, const std::string& asked) {
  if (!asked.empty() && asked != "test" && asked != "validation") {
    fail_input("--part {}: expected test or validation", asked);
  }
  for (const auto& part : parts) {
    if (part.first == asked) return part;
  }
  if (asked.empty() && !parts.empty()) return parts.back();
  fail_input(
      "study 'importance'{}: the training of the weights had no such samples that it did not train on; give "
      "another part, or data.test",
      asked.empty() ? "" : " --part " + asked);
}

/// Evaluations with one column after another permuted. Collective.
std::vector<ColumnImportance> permute_columns(StudyRun& study, SavedModel& saved, const Selection& selection,
                                              const Evaluation& unpermuted) {
  constexpr unsigned kRepeatBits = 32;
  const Index repeats = study.count("repeats");
  const std::uint64_t seed = study.config().training.seed;
  std::vector<ColumnImportance> importances;
  const std::vector<ColumnFeatures> columns = columns_with_features(selection.data.description());
  for (const ColumnFeatures& column : columns) {
    ColumnImportance importance{.name = column.name, .features = column.count};
    for (Index repeat = 0; repeat < repeats; ++repeat) {
      const std::uint64_t stream =
          static_cast<std::uint64_t>(column.first) << kRepeatBits | static_cast<std::uint64_t>(repeat);
      const Permutation order(seed, Purpose::kPermutedColumn, stream, selection.count);
      const Evaluation permuted =
          evaluate(saved.model, *saved.loss, saved.normalization,
                   with_permuted_column(selection, saved.normalization, column, order), study.communicator());
      study.stop_if_asked(
          fmt::format("after {} of {}", importances.size(), count_of(std::ssize(columns), "column")));
      importance.loss.push_back(permuted.loss - unpermuted.loss);
      importance.score.push_back(score_of(unpermuted) - score_of(permuted));
    }
    importances.push_back(std::move(importance));
  }
  sort_by_importance(importances);
  return importances;
}

void record_importance(StudyRun& study, const Importance& importance) {
  Json unpermuted = {{"event", "unpermuted"}, {"part", importance.part}};
  add_results(unpermuted, importance.unpermuted);
  study.record(unpermuted);
  for (const ColumnImportance& column : importance.columns) {
    study.record({{"event", "column"},
                  {"column", column.name},
                  {"features", column.features},
                  {"loss_rises", column.loss},
                  {importance.score + "_falls", column.score}});
  }
}

void run_importance(StudyRun& study) {
  study.allow_only([](const std::string& key) {
    return (key.starts_with("data.") && key != "data.augment") || key == "train.seed" ||
           (key.starts_with("model.") && key != "model.init" && key != "model.initialization");
  });
  if (study.option("weights").empty()) {
    fail_input("study 'importance': --weights is missing; give the directory of a run that has ended");
  }
  const std::string file = weights_file(study.option("weights")).string();
  SavedModel saved = load_model(file);
  columns_with_features(saved.data);  // refuses pictures before they are read
  const Problem problem = make_problem(study.config(), study.communicator());
  use_data_of(saved, problem);
  const auto parts = held_out_parts(problem);
  const auto& [part, selection] = chosen_part(parts, study.option("part"));

  Importance importance;
  importance.part = part;
  importance.unpermuted =
      evaluate(saved.model, *saved.loss, saved.normalization, selection, study.communicator());
  importance.score = score_name(importance.unpermuted);
  const std::string reason = nonfinite_text(importance.unpermuted);
  if (!reason.empty()) fail_guard("{}: the loss is not finite: {}; look at the data there", file, reason);
  importance.columns = permute_columns(study, saved, selection, importance.unpermuted);

  study.open();
  record_importance(study, importance);
  study.write("table.csv", importance_csv(importance));
  for (const std::string& line : importance_lines(importance, kMostListed)) log::info(line);
  for (const std::string& finding : importance_findings(importance)) study.say(finding);
  for (Json& section : importance_sections(importance)) study.show(std::move(section));
}

}  // namespace

Study importance_study() {
  return {.name = "importance",
          .summary = "which columns of a table trained weights go by: each is permuted over held-out samples",
          .options = {{"weights", "",
                       "directory of an ended run on a table, or its weights file with its --config"},
                      {"part", "",
                       "test or validation: the samples to permute columns of; test where there is one"},
                      {"repeats", "5", "permutations of each column"}},
          .run = run_importance};
}

}  // namespace lockstep
