#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace lockstep {

/// What is not there.
inline constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

/// One `evaluation` line of metrics.jsonl. What is not there, or not finite, is NaN.
struct EvaluationRecord {
  std::string
      part;  ///< "training", "validation" or "test", with the weights where those are not the run's own
  std::string part_word;  ///< the same in one word: "validation_average" of the weights' average
  double epoch;
  double step;
  double samples;
  double nonfinite;                                    ///< samples whose outputs or loss are not finite
  std::vector<std::pair<std::string, double>> values;  ///< loss, accuracy and whatever else the line has

  double value(const std::string& name) const;
};

/// What an `evaluation` line says.
EvaluationRecord evaluation_record(const nlohmann::ordered_json& line);

/// How far a run has come. A run that ended without a word, as one that is killed, is interrupted.
enum class RunStatus { kRunning, kFinished, kInterrupted, kFailed };

/// So many seconds without a sign of life are long: runs renew their page in less.
inline constexpr double kSilent = 600;

/// What a run directory says of its run. The columns of the steps have one length.
struct RunRecord {
  std::filesystem::path folder;
  std::string name;  ///< `name` if it was given one, else the folder's; made unique among several runs
  std::vector<std::pair<std::string, std::string>>
      config;                    ///< "section.key" and its value, in the file's order
  nlohmann::ordered_json start;  ///< null where the line is missing
  std::string libraries;         ///< "a, b, c", of the start
  nlohmann::ordered_json end;    ///< null: the run did not end
  nlohmann::ordered_json stop;   ///< why it stopped early; null where it did not, or has gone on
  RunStatus status = RunStatus::kInterrupted;
  double last_sign = kAbsent;  ///< when it last wrote, in seconds since 1970
  std::vector<double> step, epoch, loss, learning_rate, gradient_norm, samples_per_second;
  std::vector<double> time;                                          ///< seconds in steps until then
  std::vector<bool> skipped;                                         ///< of the steps: not taken
  std::vector<double> noise_scale;                                   ///< NaN where it was not measured
  std::vector<std::pair<std::string, std::vector<double>>> seconds;  ///< parts of a step; none in old runs
  bool is_study = false;                                             ///< the lines are those of a study
  std::vector<EvaluationRecord> evaluations;
  nlohmann::ordered_json predictions;  ///< null where there is no predictions.json
  nlohmann::ordered_json augmented;    ///< null where there is no augmented.json
  nlohmann::ordered_json filters;      ///< null where there is no filters.json

  /// The value of a configuration key, or null.
  nlohmann::ordered_json setting(const std::string& key) const;

  /// Whether it should be running, but has not written for kSilent seconds.
  bool is_silent() const;
  /// Of the steps [first, after) of the columns that were taken; NaN where none was.
  double mean_loss(std::size_t first, std::size_t after) const;
  /// Of all steps; 0 where the lines of an old run do not tell.
  double seconds_in_steps() const { return time.empty() ? 0 : time.back(); }
  /// The part by which epochs are chosen: validation, else test; empty without evaluations.
  std::string choice_part() const;
  /// The evaluation of `part` with the best finite `metric`; none where there is none.
  const EvaluationRecord* best(const std::string& part, const std::string& metric) const;
};

/// The names of what the evaluations of `runs` have, each once: loss, accuracy, …
std::vector<std::string> all_metrics(const std::vector<RunRecord>& runs);

/// The number of field `key`, NaN for null. Throws nlohmann::json::exception where there is none.
double number(const nlohmann::ordered_json& object, const char* key);

/// Reads the directories, in their order, and names the runs by their folders, with as many of the folders
/// above as tell them apart. A last line of metrics.jsonl that is cut off is left out: the run may still be
/// writing it. Local. Errors: no directory, one that is given twice or holds no run, an unreadable or damaged
/// file (its line is named).
std::vector<RunRecord> read_runs(const std::vector<std::filesystem::path>& folders);

}  // namespace lockstep
