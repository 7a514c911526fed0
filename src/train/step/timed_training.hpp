#pragma once

#include <memory>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/step_times.hpp"
#include "lockstep/train/trainer.hpp"
#include "lockstep/train/unit_times.hpp"

namespace lockstep {

/// A training step on rank 0: medians over the rounds.
struct StepMeasurement {
  double seconds = 0;
  StepTimes times;
  UnitTimes units;
  double exchange = 0;  ///< seconds for sums over ranks and what they tell each other, mean over the ranks
  double waiting = 0;   ///< for other ranks, likewise
  double sent = 0;      ///< bytes to other nodes, likewise
  double uncompressed = 0;  ///< that these were without compression
};

/// A trainer on some of the ranks, and the steps that it was seen to take.
class TimedTraining {
 public:
  /// On the first `ranks` ranks of `world`. Collective over `world`. Errors: those of Trainer.
  TimedTraining(Config config, const Problem& problem, Communicator& world, int ranks);

  /// Takes steps on full batches for about a third of a second; ranks outside the group sleep. Collective
  /// over `world`. Errors: those of Trainer::step.
  void round();

  /// The same on every rank of the group but for its times; nothing elsewhere, nor before the first round.
  StepMeasurement result() const;
  /// Of a rank of the group.
  const Trainer& trainer() const { return *trainer_; }

 private:
  Index choose_steps();
  StepReport whole_step();
  void keep(const std::vector<StepReport>& reports, const std::vector<UnitTimes>& units);

  Config config_;
  Communicator& world_;
  std::unique_ptr<Communicator> group_;
  std::unique_ptr<Trainer> trainer_;
  Index steps_ = 0;  // of a round
  SentBytes sent_;   // in the whole steps of this round
  std::vector<StepMeasurement> rounds_;
};

}  // namespace lockstep
