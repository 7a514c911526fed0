#pragma once

#include <string>
#include <vector>

#include "lockstep/core/permutation.hpp"
#include "lockstep/train/evaluation.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A column of a table as the network sees it: features first … first+count-1 stand for it, as those of the
/// categories of a column of words.
struct ColumnFeatures {
  std::string name;  ///< "feature 3" (from 0), "features 3 to 5" where the table does not name it
  Index first = 0;
  Index count = 1;
};

/// The columns that have features, in their order. Local. Errors: the samples are pictures.
std::vector<ColumnFeatures> columns_with_features(const DatasetDescription& data);

/// `selection` with one column permuted: sample i has the features of `column` of sample order(i), and its
/// own of all other columns and targets. Holds a chunk of samples, and no copy of the data. All arguments
/// must live as long. Local. Source: Breiman: Random forests. Machine Learning 45, 2001, section 10.
Selection with_permuted_column(const Selection& selection, const SampleNormalization& normalization,
                               const ColumnFeatures& column, const Permutation& order);

}  // namespace lockstep::inline LOCKSTEP_REAL
