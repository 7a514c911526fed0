#pragma once

#include <span>

#include "lockstep/core/index.hpp"
#include "lockstep/core/real.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Σ v², a sum of fixed order in double: the same bits wherever the values have the same bits.
double sum_of_squares(std::span<const Real> values);

/// √Σ v² likewise.
double norm(std::span<const Real> values);

/// min(1, largest / (norm + 1e-6)): what a gradient is multiplied with to clip its norm. Pascanu et al.,
/// arXiv 1211.5063, as torch.nn.utils.clip_grad_norm_.
double clip_factor(double norm, double largest);

}  // namespace lockstep::inline LOCKSTEP_REAL
