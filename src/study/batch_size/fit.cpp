#include "study/batch_size/fit.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include <boost/math/distributions/students_t.hpp>
#include <boost/math/tools/minima.hpp>
#include <boost/math/tools/toms748_solve.hpp>

#include "lockstep/core/error.hpp"
#include "study/numbers.hpp"

namespace lockstep {

namespace {

/// What is further than a factor of a million from all that was measured has no bound there.
const double kReach = std::log(1e6);

/// Where `f` is least in [low, high]: at the best of many points, and then by Brent's method around it.
double minimize(const std::function<double(double)>& f, double low, double high) {
  constexpr int kPoints = 80;
  const double spacing = (high - low) / kPoints;
  double best = low;
  double least = kInfinity;
  for (int i = 0; i <= kPoints; ++i) {
    const double x = low + spacing * i;
    const double value = f(x);
    if (value < least) {
      least = value;
      best = x;
    }
  }
  const double a = std::max(low, best - spacing);
  const double b = std::min(high, best + spacing);
  return boost::math::tools::brent_find_minima(f, a, b, std::numeric_limits<double>::digits / 2).first;
}

/// Where `f` first exceeds `threshold`, from `estimate` in `direction` at most as far as `reach`; infinite if
/// it does so nowhere.
double bound(const std::function<double(double)>& f, double estimate, double direction, double reach,
             double threshold) {
  constexpr double kFirstStep = 1e-3;
  double inside = 0;
  double outside = kFirstStep;
  while (outside < reach && f(estimate + direction * outside) <= threshold) {
    inside = outside;
    outside *= 2;
  }
  outside = std::clamp(reach, 0.0, outside);
  if (f(estimate + direction * outside) <= threshold) return direction * kInfinity;
  const auto excess = [&](double distance) { return f(estimate + direction * distance) - threshold; };
  if (excess(inside) > 0) return estimate;  // of curves that fit exactly
  std::uintmax_t most = 100;
  const boost::math::tools::eps_tolerance<double> tolerance(std::numeric_limits<double>::digits - 10);
  return estimate +
         direction * boost::math::tools::toms748_solve(excess, inside, outside, tolerance, most).first;
}

/// Of the number with logarithm `estimate`, which is sought between `lowest` and `highest`.
Estimate interval(const std::function<double(double)>& f, double estimate, double lowest, double highest,
                  double threshold) {
  return {std::exp(estimate), std::exp(bound(f, estimate, -1, estimate - lowest, threshold)),
          std::exp(bound(f, estimate, 1, highest - estimate, threshold))};
}

}  // namespace

BatchFit::BatchFit(Need need, std::vector<double> batches, std::vector<double> values)
    : need_(need), batches_(std::move(batches)), logs_(std::move(values)) {
  const double smallest = *std::min_element(batches_.begin(), batches_.end());
  const double largest = *std::max_element(batches_.begin(), batches_.end());
  LOCKSTEP_CHECK(batches_.size() == logs_.size() && 0 < smallest && smallest < largest);
  for (double& value : logs_) value = std::log(value);
  lowest_ = std::log(smallest) - kReach;
  highest_ = std::log(largest) + kReach;
  log_critical_ = minimize([&](double u) { return squares(u); }, lowest_, highest_);
  least_squares_ = squares(log_critical_);
  threshold_ = kInfinity;
  if (batches_.size() > 2) {
    const auto freedom = static_cast<double>(batches_.size() - 2);
    const double t = quantile(boost::math::students_t(freedom), 0.975);
    threshold_ = least_squares_ * (1 + t * t / freedom);
  }
}

/// The logarithm of what the curve is above its least value.
double BatchFit::growth(double batch, double log_critical) const {
  const double ratio = std::exp(log_critical) / batch;
  return std::log1p(need_ == Need::kSteps ? ratio : 1 / ratio);
}

/// The best logarithm of the least value, given B_crit.
double BatchFit::offset(double log_critical) const {
  double sum = 0;
  for (std::size_t i = 0; i < logs_.size(); ++i) sum += logs_[i] - growth(batches_[i], log_critical);
  return sum / static_cast<double>(logs_.size());
}

/// The least sum of squares, given B_crit.
double BatchFit::squares(double log_critical) const {
  const double best = offset(log_critical);
  double sum = 0;
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    const double residual = logs_[i] - best - growth(batches_[i], log_critical);
    sum += residual * residual;
  }
  return sum;
}

/// The least sum of squares of the curves with that logarithm at `batch`.
double BatchFit::squares_at(double batch, double log_value) const {
  const auto given = [&](double u) {
    const double shift = log_value - growth(batch, u);
    double sum = 0;
    for (std::size_t i = 0; i < logs_.size(); ++i) {
      const double residual = logs_[i] - shift - growth(batches_[i], u);
      sum += residual * residual;
    }
    return sum;
  };
  return given(minimize(given, lowest_, highest_));
}

Estimate BatchFit::critical_batch() const {
  return interval([&](double u) { return squares(u); }, log_critical_, lowest_, highest_, threshold_);
}

Estimate BatchFit::at(double batch) const {
  const double estimate = offset(log_critical_) + growth(batch, log_critical_);
  const auto [smallest, largest] = std::minmax_element(logs_.begin(), logs_.end());
  return interval([&](double value) { return squares_at(batch, value); }, estimate, *smallest - kReach,
                  *largest + kReach, threshold_);
}

Estimate BatchFit::least() const { return at(need_ == Need::kSteps ? kInfinity : 0); }

double BatchFit::deviation() const {
  if (logs_.size() <= 2) return 0;
  return std::sqrt(least_squares_ / static_cast<double>(logs_.size() - 2));
}

TradeOff fit_trade_off(const std::vector<double>& steps, const std::vector<double>& samples) {
  // In the direction that moves both by one factor E / S stays, and with it the point of the curve: what is
  // left of the distance is that of S to S_min (1 + B_crit S / E).
  std::vector<double> batches;
  batches.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) batches.push_back(samples[i] / steps[i]);
  const BatchFit of_steps(Need::kSteps, batches, steps);
  const BatchFit of_samples(Need::kSamples, batches, samples);
  return {of_steps.least(), of_samples.least(), of_steps.critical_batch()};
}

}  // namespace lockstep
