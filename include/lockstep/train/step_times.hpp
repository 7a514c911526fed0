#pragma once

#include <chrono>
#include <utility>

#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// Where the seconds of one step went on this rank; what is missing to the whole is bookkeeping.
struct StepTimes {
  double gather = 0;            ///< samples to normalised rows
  double forward = 0;           ///< network and loss
  double backward = 0;          ///< gradients by the activations; the Hessian
  double weight_gradients = 0;  ///< gradients by the parameters, micro-batch by micro-batch
  double tree_additions = 0;    ///< their sums over this rank's micro-batches
  double exchange = 0;          ///< sums and checks over ranks, with waiting
  double optimizer = 0;         ///< norm, clipping, update, average

  double sum() const {
    return gather + forward + backward + weight_gradients + tree_additions + exchange + optimizer;
  }
};

/// Seconds since the last lap.
class Stopwatch {
 public:
  double lap() {
    const Clock::time_point now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

/// Passes gradients on to `sink` and adds up what writing and summing them takes.
class TimedSink final : public GradientSink {
 public:
  TimedSink(GradientSink& sink, StepTimes& times) : sink_(sink), times_(times) {}

  Real* buffer(ParameterRange range, int micro_batch) override {
    Real* const values = sink_.buffer(range, micro_batch);
    watch_.lap();
    return values;
  }
  void add(ParameterRange range, int micro_batch) override {
    times_.weight_gradients += watch_.lap();
    sink_.add(range, micro_batch);
    times_.tree_additions += watch_.lap();
  }

 private:
  GradientSink& sink_;
  StepTimes& times_;
  Stopwatch watch_;
};

}  // namespace lockstep
