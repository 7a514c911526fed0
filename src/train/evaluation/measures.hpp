#pragma once

#include <array>
#include <span>
#include <vector>

#include "lockstep/core/index.hpp"
#include "lockstep/train/evaluation.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

// What measures are made of, and how. All of it is local.

/// How often a class is the label, the prediction, and both.
struct ClassCounts {
  Index samples = 0;
  Index predicted = 0;
  Index correct = 0;
};

std::vector<ClassScores> scores_of(std::span<const ClassCounts> classes);

/// The mean recall of the classes that have samples (Brodersen et al.: The balanced accuracy and its
/// posterior distribution. 2010).
double balanced_accuracy(std::span<const ClassScores> classes);

/// The mean F1 of the classes that are a label or a prediction anywhere.
double macro_f1(std::span<const ClassScores> classes);

/// The area under the receiver operating characteristic, from the scores of samples whose answer is yes and
/// of those whose answer is no: the part of all pairs of both in which the yes has the larger score, equal
/// ones counting 1/2 (Mann, Whitney: On a test of whether one of two random variables is stochastically
/// larger than the other. 1947). Counted in whole numbers, so that no order of samples changes a bit. NaN
/// where there are no such pairs or a score is not finite.
double area_under_curve(std::vector<double> yes, std::vector<double> no);

inline constexpr std::size_t kCalibrationBins = 15;

/// Of each bin: right answers less their probabilities, summed over the samples of which the network is sure
/// by that much.
using CalibrationSums = std::array<double, kCalibrationBins>;

/// The bin of a probability: bin b has those above b / 15 up to (b + 1) / 15.
std::size_t calibration_bin(double probability);

/// The expected calibration error: Σ over bins of |right answers - probabilities| / samples (Guo et al.: On
/// calibration of modern neural networks. 2017, equation 3).
double calibration_error(const CalibrationSums& sums, Index samples);

/// Of one target over some samples.
struct TargetSums {
  Index samples = 0;
  double mean = 0;        ///< of the targets
  double deviations = 0;  ///< their squared distances from it
  double squares = 0;     ///< of the errors
  double amounts = 0;     ///< of the errors
};

/// `sums` and those of other samples as one (Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm
/// for computing sample variances. 1979).
void add(TargetSums& sums, const TargetSums& more);

TargetScores scores_of(const TargetSums& sums);

}  // namespace lockstep::inline LOCKSTEP_REAL
