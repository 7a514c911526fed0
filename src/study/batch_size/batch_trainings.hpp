#pragma once

#include <map>
#include <string>
#include <vector>

#include "lockstep/optim/schedule.hpp"
#include "study/batch_size/target_run.hpp"
#include "study/study_run.hpp"

namespace lockstep {

/// The middle of several numbers, and the outermost. Infinite ones are the largest.
struct Range {
  double median = 0;
  double low = 0;
  double high = 0;
};
Range range_of(std::vector<double> values);

/// One learning rate at one batch size, seed by seed.
struct RateTrainings {
  std::string rate;
  std::vector<TargetRun> runs;

  /// `quantity` at the target; infinite for trainings that did not reach it.
  Range to_target(double TargetRun::*quantity) const;
};

/// One batch size: the rates that were tried, and the best.
struct BatchTrainings {
  Index batch_size = 0;
  std::map<int, RateTrainings> rates = {};  ///< by their place on the grid, all rates the larger the higher
  int chosen = 0;
  bool is_inside = true;  ///< the best rate has tried neighbours on both sides

  const RateTrainings& best() const { return rates.at(chosen); }
  bool reached() const;
};

/// What all trainings of the study share.
struct BatchStudyPlan {
  std::vector<Index> batch_sizes;  ///< rising
  Target target;
  std::string part;  ///< on which it is measured: validation where there is one, else test
  bool retunes = true;
  BatchScaling scaling = BatchScaling::kLinear;  ///< from one batch to where the next one's search begins
  Index most_rates = 0;
  Index seeds = 0;
  double budget = 0;             ///< most steps of a training, as a multiple of the least median so far
  Index evaluation_samples = 0;  ///< most held-out samples that are evaluated
};

/// What differs from the shared configuration.
std::map<std::string, std::string> run_settings(Index batch_size, const std::string& rate,
                                                std::uint64_t seed);

/// Trains each batch size to the target, the smallest first, at each rate of a search with all seeds, and
/// keeps the data. A rate is given up as soon as more than half of its seeds do not reach the target, or not
/// before the median of the best, which its own median then cannot undercut. Collective. Errors: those of
/// train_to_target.
std::vector<BatchTrainings> train_batches(StudyRun& study, const Problem& problem,
                                          const BatchStudyPlan& plan);

}  // namespace lockstep
