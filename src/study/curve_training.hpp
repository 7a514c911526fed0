#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "study/curve.hpp"
#include "train/checkpoint/checkpoint.hpp"
#include "train/run/early_stopping.hpp"

namespace lockstep {

using AfterStep = std::function<void(const StepReport&, const TrainingPlan&)>;

/// A training that is measured on its way and may be cut into parts: in one process or in several, and on
/// other rank counts, they give the weights of the whole. What it measures is the same on every rank. All but
/// plan() is collective. Errors: those of training, divergence excepted.
class CurveTraining {
 public:
  /// The training of `config` on its `problem`; `after_step` is told of every step.
  CurveTraining(const Config& config, Problem problem, Communicator& communicator, Index evaluations,
                AfterStep after_step);

  const TrainingPlan& plan() const { return trainer_.plan(); }

  /// Measures the weights before the first step: all parts of the data, or the one to choose by.
  void begin(bool all_parts);
  /// Goes on instead from where a training of the same `config` had come to, with its measurements so far
  /// and rank 0's `state`, which `save` has written.
  void begin(const Curve& curve, const Checkpoint& state);

  /// Trains until `last` steps are done, unless it diverges or train.patience ends it before. Measures all
  /// parts at `evaluations` steps that are evenly spaced over the whole training, and at its end; where
  /// `last` is none of these, then the part to choose by.
  void run(std::uint64_t last);

  /// What was measured so far.
  Curve curve();
  /// Writes what `begin` needs to go on, whole or not at all. Errors: a folder that can't be written.
  void save(const std::filesystem::path& file);
  /// Writes the weights as the run of the same configuration does. Errors: it can't be written.
  void save_weights(const std::filesystem::path& file) { trainer_.save(file); }

 private:
  std::uint64_t next_evaluation() const;
  void measure(bool all_parts);

  Communicator& communicator_;
  Problem problem_;
  Trainer trainer_;
  std::uint64_t evaluations_;
  AfterStep after_step_;
  EarlyStopping stopping_;
  Curve curve_;
  double samples_ = 0;
};

/// Trains `config` in one piece, from a measurement of all parts to the last step. Collective. Errors: those
/// of training, divergence excepted.
Curve train_curve(const Config& config, Communicator& communicator, Index evaluations,
                  const AfterStep& after_step);

}  // namespace lockstep
