#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/core/real.hpp"
#include "lockstep/data/augmentation.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/normalization.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Samples gathered for the network.
struct Batch {
  std::vector<Index> samples;        ///< which sample of the data set each row is
  std::vector<Real> features;        ///< [rows x features], row-major, normalised
  std::vector<std::int32_t> labels;  ///< [rows], classification
  std::vector<Real> targets;         ///< [rows x targets], row-major, the other tasks, normalised

  std::vector<Real> weights;  ///< [rows], where samples have weights

  // Where samples are mixed (see Mixup), [rows]:
  std::vector<Index> partners;               ///< which sample is mixed into each row
  std::vector<std::int32_t> partner_labels;  ///< of those
  std::vector<Real> shares;                  ///< how much of a row is its own sample's

  Index rows() const { return static_cast<Index>(samples.size()); }
};

/// Fills features, labels (or targets) and weights of `batch` for batch.samples, whose pictures change as
/// `pass` says, and, where that mixes samples, for batch.partners; partner_labels and shares are empty where
/// it does not. Allocates only when the batch is larger than any before. Local.
void gather(const Dataset& data, const SampleNormalization& normalization, Batch& batch,
            const AugmentedPass& pass = {});

}  // namespace lockstep::inline LOCKSTEP_REAL
