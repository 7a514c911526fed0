#pragma once

#include <memory>

#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// y = x wᵀ + b over all values of a sample, w [outputs x inputs], b [outputs] (torch.nn.Linear).
std::unique_ptr<Unit> linear(Index outputs);

/// y = the row of `weight` [categories x width] whose number comes in, for each value of a sample of
/// categories: {n} becomes {n, width} (torch.nn.Embedding). Its gradient is sparse: rows that no sample names
/// stay zero.
std::unique_ptr<Unit> embedding(Index width);

/// In training each value is kept with probability 1 - p and scaled by 1 / (1 - p), else zero; otherwise the
/// identity. The mask is a pure function of (seed, step, sample, number of the unit, value).
/// Source: Srivastava et al.: Dropout. JMLR 15, 2014, in its inverted form (torch.nn.Dropout).
std::unique_ptr<Unit> dropout(double p);

/// Element-wise functions, as torch.nn names them.
std::unique_ptr<Unit> relu();
std::unique_ptr<Unit> leaky_relu(double slope = 0.01);
std::unique_ptr<Unit> tanh();
std::unique_ptr<Unit> sigmoid();
/// x Φ(x) with the exact normal distribution (Hendrycks, Gimpel, arXiv 1606.08415).
std::unique_ptr<Unit> gelu();
/// log(1 + exp(x)).
std::unique_ptr<Unit> softplus();
/// x σ(x) with the logistic function σ (Elfwing, Uchibe, Doya, arXiv 1702.03118, eq. 1).
std::unique_ptr<Unit> silu();
/// min(max(x, 0), 6) (Howard et al.: MobileNets, arXiv 1704.04861).
std::unique_ptr<Unit> relu6();
std::unique_ptr<Unit> identity();

/// The sum of its inputs, which have one shape: where the branches of a residual meet.
std::unique_ptr<Unit> sum();

}  // namespace lockstep::inline LOCKSTEP_REAL
