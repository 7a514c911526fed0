#pragma once

#include <memory>

#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// y = x wᵀ + b over all values of a sample, w [outputs x inputs], b [outputs] (torch.nn.Linear).
std::unique_ptr<Unit> linear(Index outputs);

/// What a convolution may have besides outputs and window, as torch.nn.Conv2d names it.
struct ConvOptions {
  Index stride = 1;
  Index pad = 0;  ///< zeros at every side, at most dilation · (window - 1)
  Index dilation = 1;
  Index groups = 1;  ///< of channels, each of which sees outputs of its own
  bool has_bias = true;
};

/// y[o, i, j] = b[o] + Σ w[o, c, p, q] x[c, i · stride + p · dilation - pad, j · stride + q · dilation - pad]
/// of pictures {height, width} or {channels, height, width}: w [outputs x channels / groups x window x
/// window], b [outputs] (torch.nn.Conv2d). Each y is one chain of fused multiply-adds in rising p, q, c, from
/// +0, with the bias added last. Errors: pictures that are smaller than the window, groups that divide
/// neither channels nor outputs.
std::unique_ptr<Unit> conv(Index outputs, Index window, const ConvOptions& options = {});

/// The largest value of each channel in windows of window x window pixels, which begin `stride` pixels from
/// each other (window, if 0), with `pad` pixels around the picture that are never the largest
/// (torch.nn.MaxPool2d). The gradient goes to the first pixel that has the value.
std::unique_ptr<Unit> max_pool(Index window, Index stride = 0, Index pad = 0);

/// The mean of each channel in such windows, over window² pixels of which those of the pad are zero
/// (torch.nn.AvgPool2d).
std::unique_ptr<Unit> avg_pool(Index window, Index stride = 0, Index pad = 0);

/// The mean of each channel over the whole picture: {channels, 1, 1} (torch.nn.AdaptiveAvgPool2d(1)).
std::unique_ptr<Unit> avg_pool_all();

/// Every pixel whose row and column are multiples of `stride`, as in the shortcuts of He et al., arXiv
/// 1512.03385, option A; and the picture with so many channels, of which those that are new are zero.
std::unique_ptr<Unit> subsample(Index stride);
std::unique_ptr<Unit> pad_channels(Index channels);

/// A picture's values as one axis, in PyTorch's order: channel by channel (torch.nn.Flatten).
std::unique_ptr<Unit> flatten();

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
std::unique_ptr<Unit> identity();

/// The sum of its inputs, which have one shape: where the branches of a residual meet.
std::unique_ptr<Unit> sum();

}  // namespace lockstep::inline LOCKSTEP_REAL
