#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/normalization.hpp"
#include "lockstep/nn/loss.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What a network's outputs are in words of its training data, as lines of a CSV file (RFC 4180, but that
/// lines end as in Unix):
/// - classification: "row", the sample from 0; "class", that of the largest output; "probability NAME" of
///   each class, or "score NAME", the output, where the loss knows of no probabilities.
/// - regression: "row", and "NAME" of each target; "prediction" where a single one has no name.
/// - multi-label: "row", and for each label "NAME", 1 where the output is above 0 and else 0, and
///   "probability NAME" or "score NAME".
/// In place of "row", "file" has the names of samples that have some.
/// Classes, targets and labels without names have their numbers from 0. Numbers are the shortest that read
/// back to the same. Where outputs are not finite, "class" and the labels' 0 or 1 are empty. Local.
class PredictionTable {
 public:
  /// `trained_on` and `targets` (their normalisation, which is undone) as in SavedModel; `samples` as in the
  /// description of what is predicted.
  PredictionTable(const DatasetDescription& trained_on, std::shared_ptr<const Loss> loss,
                  Normalization targets = {}, std::vector<std::string> samples = {});

  /// The line that names the columns, with its end.
  std::string header() const;

  /// Appends the line of `sample` to `text`, with its end.
  void add_row(Index sample, std::span<const Real> outputs, std::string& text) const;

 private:
  Task task_;
  std::shared_ptr<const Loss> loss_;
  Normalization targets_;
  std::vector<std::string> samples_;
  std::vector<std::string> names_;  // of the outputs
  std::vector<std::string> class_fields_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
