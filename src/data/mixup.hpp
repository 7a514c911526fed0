#pragma once

#include "lockstep/data/augmentation.hpp"

namespace lockstep {

/// Whether `changes` mix samples.
bool mixes(std::span<const PictureChange> changes);

/// How many rows after that of `sample` the other one stands which is mixed with it, in a global batch of
/// `size` samples that begins again at its end: 1 … size-1, and 0 where there is no other. Only where `pass`
/// mixes.
Index partner_distance(const AugmentedPass& pass, Index sample, Index size);

/// How much of what becomes of `sample` is its own: λ. Only where `pass` mixes.
double own_share(const AugmentedPass& pass, Index sample);

}  // namespace lockstep
