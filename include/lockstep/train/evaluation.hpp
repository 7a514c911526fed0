#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/nn/loss.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Samples whose outputs or loss are not finite: none of them is answered right, and no mean loss with one of
/// them is finite.
struct NonFiniteSamples {
  Index count = 0;
  std::vector<Index> first = {};  ///< at most kMostNamedSamples, as indices of their data set
};
inline constexpr std::size_t kMostNamedSamples = 8;

/// "sample 7", or "samples 7, 3, …", of `count` samples of which `samples` are the first.
std::string name_samples(std::span<const Index> samples, Index count);

/// A number that says how good answers are.
struct Measure {
  std::string name;
  double value = 0;
};

/// How a network does on the samples of one class; NaN where there is nothing to divide by.
struct ClassScores {
  Index samples = 0;
  double precision = 0;  ///< part of the samples taken for this class that are of it
  double recall = 0;     ///< part of its samples that are taken for it
  double f1 = 0;         ///< harmonic mean of both: 2 right / (samples of it + samples taken for it)
};

/// How a network does on one target of a regression, in the units of the data.
struct TargetScores {
  double rmse = 0;  ///< root of the mean squared error
  double mae = 0;   ///< mean size of an error
  double r2 = 0;    ///< 1 - mean squared error / variance of the targets; NaN if all are one
};

/// So many labels at most are ranked for "auc".
inline constexpr std::size_t kMostRankedLabels = 100;

/// How a network does on samples.
struct Evaluation {
  Index samples = 0;
  double loss = 0;  ///< mean over samples, by their weights if the loss or the data have such; with any that
                    ///< is not finite, not finite either
  /// Classification: part of the samples whose largest output is at their label; multi-label: part of all
  /// labels predicted right, an output above 0 meaning 1; regression: none.
  std::optional<double> accuracy;
  NonFiniteSamples nonfinite = {};

  /// More measures of all samples, which count alike; NaN where there are none, or outputs are not finite:
  /// - classification: "balanced_accuracy", the mean recall of the classes that have samples; "macro_f1", the
  ///   mean F1 of those that are a label or an answer; "auc" of two classes, the area under the receiver
  ///   operating characteristic; and where the loss has_probabilities(), "log_loss", unless that is the loss,
  ///   and without weights, with probabilities of at least the smallest normal number, and
  ///   "calibration_error", the expected one in 15 equal bins.
  /// - multi-label: "auc", the mean over labels that have both values; none of more than kMostRankedLabels.
  /// - regression: "rmse", "mae" and "r2", the means over targets.
  std::vector<Measure> measures = {};
  std::vector<ClassScores> classes = {};   ///< classification: of each class
  std::vector<TargetScores> targets = {};  ///< regression: of each target

  /// That of this name, where there is one.
  std::optional<double> measure(const std::string& name) const;
};

/// Loss, accuracy where there is one, and the measures.
std::vector<Measure> scalars_of(const Evaluation& evaluation);

/// Appends "samples", "loss" and, where there are such, "accuracy", the measures, "nonfinite" (how many
/// samples) and "nonfinite_samples" (the first of them); a number that is not finite is null.
void add_results(nlohmann::ordered_json& line, const Evaluation& evaluation);

/// "nonfinite" and "nonfinite_samples" alone.
void add_nonfinite(nlohmann::ordered_json& line, const NonFiniteSamples& samples);

/// Why the loss is not finite, as "outputs or loss of 2 of 100 samples are not finite (samples 7, 3)"; empty
/// where it is.
std::string nonfinite_text(const Evaluation& evaluation);

struct Batch;

/// Samples sample(0) … sample(count-1) of a data set.
struct Selection {
  const Dataset& data;
  Index count;
  std::function<Index(Index)> sample;
  /// What becomes of the gathered, normalised features of samples sample(first), … before a network sees
  /// them; empty: nothing. A pure function of `first` and the data.
  std::function<void(Index first, Batch& batch)> change = {};
};

/// All samples of `data`.
Selection all_of(const Dataset& data);

/// Mean loss, accuracy and measures of `model` over `selection`, each sample once, dropout off: the same bits
/// at every rank count. Ranks share chunks of a fixed number of samples. Collective.
Evaluation evaluate(Network& model, const Loss& loss, const SampleNormalization& normalization,
                    const Selection& selection, Communicator& communicator);

}  // namespace lockstep::inline LOCKSTEP_REAL
