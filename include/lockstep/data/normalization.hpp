#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Features or targets to mean 0 and deviation 1, to 0 … 1, or as they are.
enum class NormalizationKind { kStandard, kUnit, kNone };

/// The map from features to what the network sees, or from targets to what it is to give: (x - shift) ·
/// scale. Both lists repeat along a sample's values: one pair for all features of bytes (pictures), or one a
/// channel where there are several, which stand last; one a feature for tables; none for the identity. x is
/// the value that a data set stores, or in weights files the number that its file holds (see ColumnUnit).
struct Normalization {
  std::vector<double> shift;
  std::vector<double> scale;
  /// One a feature of a table whose columns are described: what the network sees where the value is missing
  /// (NaN), the mean of the others. None elsewhere.
  std::vector<double> missing = {};

  friend bool operator==(const Normalization&, const Normalization&) = default;
};

/// Of all that a sample holds. `targets` is of a regression, with one pair a target; none: as they are.
struct SampleNormalization {
  Normalization features;
  Normalization targets = {};

  friend bool operator==(const SampleNormalization&, const SampleNormalization&) = default;
};

/// Whether `normalization` has as many pairs as data of this description may have.
bool fits(const Normalization& normalization, const DatasetDescription& data);

/// The normalisation of the stored values of `data`, computed from the `count` samples sample(0) …
/// sample(count-1) alone: standard: mean 0, standard deviation 1; unit: smallest 0, largest 1 (bytes: 0 …
/// 255, all channels alike). A constant feature (but for kRoundingOfSums) becomes 0, and an indicator stays
/// as it is. Missing values do not count. Sums of bytes are exact; sums of floats are double, in the order
/// given, hence the same everywhere.
Normalization compute_normalization(NormalizationKind kind, const Dataset& data, Index count,
                                    const std::function<Index(Index)>& sample);

/// The same of the targets of a regression, where a constant target keeps its scale, so that other values of
/// it in other samples still count; none for other tasks.
Normalization compute_target_normalization(NormalizationKind kind, const Dataset& data, Index count,
                                           const std::function<Index(Index)>& sample);

/// What was mapped to `normalized` at place `i` of a sample; the shift where the scale is 0.
double denormalized(const Normalization& normalization, std::size_t i, double normalized);

/// A normalisation of the numbers in a file as that of the values which a table of these units stores, and
/// back.
Normalization of_stored_values(Normalization of_file, const std::vector<ColumnUnit>& units);
Normalization of_file_values(Normalization of_stored, const std::vector<ColumnUnit>& units);
SampleNormalization of_stored_values(SampleNormalization of_file, const std::vector<ColumnUnit>& units);

/// Text form for the weights file: JSON with round-trip numbers. Errors: text that is none.
std::string to_text(const Normalization& normalization);
Normalization normalization_from_text(const std::string& text);

}  // namespace lockstep
