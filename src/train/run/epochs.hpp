#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/train/problem.hpp"
#include "lockstep/train/trainer.hpp"
#include "train/checkpoint/checkpoint.hpp"
#include "train/run/early_stopping.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

/// What a run says at the end of each epoch: the loss of its steps, that of the samples that are held out,
/// and which evaluation of those for validation was the best.
class Epochs {
 public:
  /// Calls `keep_best`, on every rank, while the trainer holds the weights of an evaluation that is the best
  /// so far.
  Epochs(const Problem& problem, Trainer& trainer, const Config::Stopping& stopping,
         std::function<void(const BestEvaluation& best)> keep_best);

  /// Counts a step. On rank 0.
  void add(const StepReport& report);

  /// Evaluates the parts that are held out after the step of `report`, with the weights and their average,
  /// and prints a line; `directory`, on rank 0, keeps the numbers. Returns whether validation, of the average
  /// where there is one, has never been better. A part whose loss is not finite is warned of once.
  /// Collective.
  bool evaluate(const StepReport& report, double samples_per_second, RunDirectory* directory);

  /// Whether the training ends here, by train.patience. The same on every rank.
  bool has_to_stop() const { return stopping_.has_to_stop(); }

  /// What is known of a best evaluation: step, epoch and value, by their names in files.
  nlohmann::ordered_json facts_of(const BestEvaluation& best) const;

  /// Adds to the last line of the metrics which evaluation was the best, and whether the training has ended
  /// early.
  void add_best(nlohmann::ordered_json& end) const;

  /// Prints the same, and where its weights are: in `folder`, unless they could not be kept. On rank 0.
  void report_best(const std::filesystem::path& folder) const;

  /// The smallest loss of an evaluation to choose by so far, where that is what train.watch names.
  std::optional<double> best_loss() const;

  /// What a checkpoint holds of it, and back.
  void save(Checkpoint& checkpoint) const;
  void restore(const Checkpoint& checkpoint);

 private:
  bool evaluate_parts(const StepReport& report, bool of_average, RunDirectory* directory, std::string& line);
  bool has_stopped_early() const;
  void warn_of_nonfinite(const std::string& part, std::uint64_t step, const Evaluation& evaluation);

  const Problem& problem_;
  Trainer& trainer_;
  EarlyStopping stopping_;
  std::function<void(const BestEvaluation& best)> keep_best_;
  double epoch_ = 0;
  double loss_ = 0;  // summed over the samples since the last evaluation, of steps not skipped
  double weight_ = 0;
  std::set<std::string> warned_of_;  // parts whose loss was not finite
};

}  // namespace lockstep
