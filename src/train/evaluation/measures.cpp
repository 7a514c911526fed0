#include "train/evaluation/measures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

double ratio(double part, double whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN() : part / whole;
}

/// The mean of those that are numbers.
double mean_of(std::span<const ClassScores> classes, double ClassScores::*score) {
  double sum = 0;
  double count = 0;
  for (const ClassScores& one : classes) {
    if (std::isnan(one.*score)) continue;
    sum += one.*score;
    ++count;
  }
  return ratio(sum, count);
}

}  // namespace

std::vector<ClassScores> scores_of(std::span<const ClassCounts> classes) {
  std::vector<ClassScores> scores;
  for (const ClassCounts& one : classes) {
    const auto correct = static_cast<double>(one.correct);
    scores.push_back({.samples = one.samples,
                      .precision = ratio(correct, static_cast<double>(one.predicted)),
                      .recall = ratio(correct, static_cast<double>(one.samples)),
                      .f1 = ratio(2 * correct, static_cast<double>(one.samples + one.predicted))});
  }
  return scores;
}

double balanced_accuracy(std::span<const ClassScores> classes) {
  return mean_of(classes, &ClassScores::recall);
}

double macro_f1(std::span<const ClassScores> classes) { return mean_of(classes, &ClassScores::f1); }

double area_under_curve(std::vector<double> yes, std::vector<double> no) {
  for (std::vector<double>* const scores : {&yes, &no}) {
    const bool are_finite = std::ranges::all_of(*scores, [](double score) { return std::isfinite(score); });
    if (!are_finite) return std::numeric_limits<double>::quiet_NaN();
    std::ranges::sort(*scores);
  }
  Index half_pairs = 0;
  auto smaller = no.begin();  // those before it are
  auto equal = no.begin();    // those before it are, or smaller
  for (const double score : yes) {
    while (smaller != no.end() && *smaller < score) ++smaller;
    while (equal != no.end() && *equal <= score) ++equal;
    half_pairs += (smaller - no.begin()) + (equal - no.begin());
  }
  return ratio(static_cast<double>(half_pairs),
               2 * static_cast<double>(yes.size()) * static_cast<double>(no.size()));
}

std::size_t calibration_bin(double probability) {
  if (!(probability > 0)) return 0;  // nor is it NaN
  const double bin = std::ceil(probability * kCalibrationBins) - 1;
  return static_cast<std::size_t>(std::clamp(bin, 0.0, kCalibrationBins - 1.0));
}

double calibration_error(const CalibrationSums& sums, Index samples) {
  double error = 0;
  for (const double sum : sums) error += std::abs(sum);
  return error / static_cast<double>(samples);
}

void add(TargetSums& sums, const TargetSums& more) {
  if (more.samples == 0) return;
  const auto before = static_cast<double>(sums.samples);
  const auto added = static_cast<double>(more.samples);
  const double distance = more.mean - sums.mean;
  sums.mean += distance * added / (before + added);
  sums.deviations += more.deviations + distance * distance * before * added / (before + added);
  sums.samples += more.samples;
  sums.squares += more.squares;
  sums.amounts += more.amounts;
}

TargetScores scores_of(const TargetSums& sums) {
  const auto count = static_cast<double>(sums.samples);
  return {.rmse = std::sqrt(sums.squares / count),
          .mae = sums.amounts / count,
          .r2 = 1 - ratio(sums.squares, sums.deviations)};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
