#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

enum class NormalizationKind { kStandard, kUnit, kNone };

/// The map from stored features to what the network sees: (x - shift) · scale. One shift and scale for all
/// features of bytes (images), one a feature for tables; empty for the identity.
struct Normalization {
  std::vector<double> shift;
  std::vector<double> scale;
};

/// The normalisation of `data`, computed from the `count` samples sample(0) … sample(count-1) alone:
/// standard: mean 0, standard deviation 1; unit: smallest 0, largest 1 (bytes: 0 … 255). A constant feature
/// becomes 0. Sums of bytes are exact; sums of floats are double, in the order given, hence the same
/// everywhere.
Normalization compute_normalization(NormalizationKind kind, const Dataset& data, Index count,
                                    const std::function<Index(Index)>& sample);

/// Text form for the weights file: JSON with round-trip numbers. Errors: text that is none.
std::string to_text(const Normalization& normalization);
Normalization normalization_from_text(const std::string& text);

}  // namespace lockstep
