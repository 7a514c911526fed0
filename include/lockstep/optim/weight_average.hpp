#pragma once

#include <span>
#include <vector>

#include "lockstep/core/real.hpp"

namespace lockstep {

/// An exponential moving average of the weights: e ← d e + (1-d) x after each step, the first time e ← x
/// (Polyak, Juditsky: Acceleration of stochastic approximation by averaging, 1992, with fading memory; as
/// torch.optim.swa_utils.AveragedModel with get_ema_avg_fn(d)). Local.
class WeightAverage {
 public:
  /// 0 < decay < 1, for `size` parameters.
  WeightAverage(double decay, Index size);

  /// Takes the weights after a step in.
  void add(std::span<const Real> x);

  /// For who sets `values`: whether they hold no average yet, so that the next `add` begins it.
  void set_empty(bool empty) { empty_ = empty; }

  /// The average, zero before the first `add`.
  std::span<Real> values() { return values_; }

 private:
  double decay_;
  bool empty_ = true;
  std::vector<Real> values_;
};

}  // namespace lockstep
