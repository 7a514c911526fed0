#pragma once

#include <span>
#include <vector>

#include "lockstep/core/real.hpp"
#include "lockstep/nn/parameter_layout.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// An exponential moving average of the weights: e ← d e + (1-d) x after each step, the first time e ← x
/// (Polyak, Juditsky: Acceleration of stochastic approximation by averaging, 1992, with fading memory; as
/// torch.optim.swa_utils.AveragedModel with get_ema_avg_fn(d)), of all weights or of parts. Local.
class WeightAverage {
 public:
  /// 0 < decay < 1; `owned`: what is averaged, in the order of the parameters.
  WeightAverage(double decay, std::vector<ParameterRange> owned);

  /// Takes in the weights x after a step, as far as it averages them.
  void add(std::span<const Real> x);

  /// Puts the average in the place of the weights in x, and the weights in the place of the average.
  void swap(std::span<Real> x);

  /// For whoever sets `values`: whether they hold no average yet, so that the next `add` begins it.
  void set_empty(bool empty) { empty_ = empty; }

  /// The average of one part after another, zero before the first `add`.
  std::span<Real> values() { return values_; }

 private:
  double decay_;
  std::vector<ParameterRange> owned_;
  bool empty_ = true;
  std::vector<Real> values_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
