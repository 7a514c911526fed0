#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "lockstep/train/problem.hpp"
#include "lockstep/train/trainer.hpp"
#include "train/checkpoint/checkpoint.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

/// What a run says at the end of each epoch: the loss of its steps, that of the samples that are held out,
/// and at which step the latter was smallest.
class Epochs {
 public:
  Epochs(const Problem& problem, Trainer& trainer) : problem_(problem), trainer_(trainer) {}

  /// Counts a step. On rank 0.
  void add(const StepReport& report);

  /// Evaluates the parts that are held out after the step of `report`, with the weights and their average,
  /// and prints a line; `directory`, on rank 0, keeps the numbers. The loss of the first part, validation
  /// where there is one, is that to choose by: whether it is smaller than ever. A part whose loss is not
  /// finite is warned of once. Collective.
  bool evaluate(const StepReport& report, double samples_per_second, RunDirectory* directory);

  /// The smallest loss to choose by so far.
  std::optional<double> best_loss() const { return best_ ? std::optional(best_->loss) : std::nullopt; }

  /// Prints which step was the best, or warns that none was. On rank 0.
  void report_best() const;

  /// What a checkpoint holds of it, and back.
  void save(Checkpoint& checkpoint) const;
  void restore(const Checkpoint& checkpoint);

 private:
  std::string evaluate_parts(const StepReport& report, bool of_average, RunDirectory* directory);
  void warn_of_nonfinite(const std::string& part, std::uint64_t step, const Evaluation& evaluation);

  const Problem& problem_;
  Trainer& trainer_;
  std::optional<BestEvaluation> best_;
  double epoch_ = 0;
  double loss_ = 0;  // summed over the samples since the last evaluation, of steps not skipped
  double weight_ = 0;
  std::set<std::string> warned_of_;  // parts whose loss was not finite
};

}  // namespace lockstep
