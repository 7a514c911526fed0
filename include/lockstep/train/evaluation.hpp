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

/// How a network does on samples.
struct Evaluation {
  Index samples = 0;
  double loss = 0;  ///< mean over samples, by their weights if the loss has such; with any that is not
                    ///< finite, not finite either
  /// Classification: part of the samples whose largest output is at their label; multi-label: part of all
  /// labels predicted right, an output above 0 meaning 1; regression: none.
  std::optional<double> accuracy;
  NonFiniteSamples nonfinite = {};
};

/// Appends "samples", "loss" and, where there are such, "accuracy", "nonfinite" (how many samples) and
/// "nonfinite_samples" (the first of them); a loss that is not finite is null.
void add_results(nlohmann::ordered_json& line, const Evaluation& evaluation);

/// The last two of them alone.
void add_nonfinite(nlohmann::ordered_json& line, const NonFiniteSamples& samples);

/// Why the loss is not finite, as "outputs or loss of 2 of 100 samples are not finite (samples 7, 3)"; empty
/// where it is.
std::string nonfinite_text(const Evaluation& evaluation);

/// Samples sample(0) … sample(count-1) of a data set.
struct Selection {
  const Dataset& data;
  Index count;
  std::function<Index(Index)> sample;
};

/// All samples of `data`.
Selection all_of(const Dataset& data);

/// Mean loss and accuracy of `model` over `selection`, each sample once, dropout off: the same bits at every
/// rank count. Ranks share chunks of a fixed number of samples. Collective.
Evaluation evaluate(Network& model, const Loss& loss, const SampleNormalization& normalization,
                    const Selection& selection, Communicator& communicator);

}  // namespace lockstep::inline LOCKSTEP_REAL
