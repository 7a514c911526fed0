#pragma once

#include <vector>

namespace lockstep {

/// A number with its 95 % interval; `low` is 0 or `high` infinite where the data set no bound.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// What a training to some target needs, as a function of its batch B:
/// - kSteps:   S = S_min (1 + B_crit / B)
/// - kSamples: E = E_min (1 + B / B_crit)
/// McCandlish et al., arXiv 1812.06162, section 2.3. As E = B S, both say the same of S and of E, with E_min
/// = B_crit S_min.
enum class Need { kSteps, kSamples };

/// The least-squares fit of one of them to measured values, in logarithms, as the error of a measurement is a
/// part of it. The intervals are those of the profile likelihood: all values of a parameter at which the sum
/// of squares, minimised over the other parameter, stays below (1 + t² / ν) of the least, with Student's t at
/// ν = n - 2 degrees of freedom (Bates, Watts: Nonlinear regression analysis and its applications, 1988,
/// section 6.1). Unlike those of a linearisation they may be lopsided, or open where only one of the two
/// regimes was seen. Local; pure.
class BatchFit {
 public:
  /// values[i] was measured at batches[i]; both above 0, at least two different batches.
  BatchFit(Need need, std::vector<double> batches, std::vector<double> values);

  /// S_min or E_min.
  Estimate least() const;
  Estimate critical_batch() const;
  /// The fitted value at `batch`, of which the intervals are the band of the curve.
  Estimate at(double batch) const;
  /// Standard deviation of a measurement's logarithm, from the residuals; 0 for two measurements.
  double deviation() const;

 private:
  double growth(double batch, double log_critical) const;
  double offset(double log_critical) const;
  double squares(double log_critical) const;
  double squares_at(double batch, double log_value) const;

  Need need_;
  std::vector<double> batches_;
  std::vector<double> logs_;  // of the values
  double lowest_ = 0;         // bounds of the logarithm of B_crit
  double highest_ = 0;
  double log_critical_ = 0;
  double least_squares_ = 0;
  double threshold_ = 0;  // of the sum of squares within an interval
};

/// The trade-off of steps for samples, (S / S_min - 1) (E / E_min - 1) = 1 (ibid., eq. 2.11), from pairs of
/// both. The noise of a training moves its S and its E by one and the same factor: the distance to the curve
/// is measured in that direction.
struct TradeOff {
  Estimate least_steps;
  Estimate least_samples;
  Estimate critical_batch;  ///< E_min / S_min
};
TradeOff fit_trade_off(const std::vector<double>& steps, const std::vector<double>& samples);

}  // namespace lockstep
