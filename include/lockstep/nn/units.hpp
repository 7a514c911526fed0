#pragma once

#include <memory>
#include <vector>

#include "lockstep/data/table_column.hpp"
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

/// The other way round: one axis of channels · height · width values as a picture (torch.nn.Unflatten), as
/// where a table's columns are pixels. Errors: another number of values.
std::unique_ptr<Unit> unflatten(Index channels, Index height, Index width);

/// y = the row of `weight` [categories x width] whose number comes in, for each value of a sample of
/// categories: {n} becomes {n, width} (torch.nn.Embedding). Its gradient is sparse: rows that no sample names
/// stay zero.
std::unique_ptr<Unit> embedding(Index width);

/// The width of embed_categories that the number n of a column's features decides: min(50, ⌊(n + 1) / 2⌋).
inline constexpr Index kAutomaticWidth = 0;

/// For each of `columns` the vector of `width` values Σ x[k] · w[k] over the column's features k, in rising
/// order, w [features x width]: of features that are 1 or 0, the row of w that stands for the sample's
/// category, and zeros where it is none of those. It takes their place; all other features stay as they are.
/// The tables are called "0.weight", "1.weight", …, as in a torch.nn.ModuleList of torch.nn.Embedding. Their
/// gradients are sparse. Of {features}. Errors: no columns (features_of_categories gives those of a table);
/// other shapes; features out of range or order. Source: Guo, Berkhahn: Entity embeddings of categorical
/// variables, arXiv 1604.06737; the width, fastai (see embed_categories.cpp).
std::unique_ptr<Unit> embed_categories(Index width, std::vector<FeatureRange> columns);

/// In training each value is kept with probability 1 - p and scaled by 1 / (1 - p), else zero; otherwise the
/// identity. The mask is a pure function of (seed, step, sample, number of the unit, value).
/// Source: Srivastava et al.: Dropout. JMLR 15, 2014, in its inverted form (torch.nn.Dropout).
std::unique_ptr<Unit> dropout(double p);

/// The same for whole channels of a picture (torch.nn.Dropout2d). Errors: another shape. Source: Tompson et
/// al.: Efficient object localization using convolutional networks. arXiv 1411.4280.
std::unique_ptr<Unit> dropout_channels(double p);

/// exp(x) / Σ exp(x) over the values of a sample, {n} (torch.nn.Softmax). Errors: more axes. Losses of
/// classes take it themselves.
std::unique_ptr<Unit> softmax();

/// Element-wise functions, as torch.nn names them.
std::unique_ptr<Unit> relu();
/// Errors: a slope outside of 0 … 1.
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

// Normalisations: y = (x - mean) / √(variance + 1e-5) · weight + bias with a weight and a bias for each
// channel, and variances that are means of squares. A sample of shape {features} has as many channels, at one
// position; a picture {channels, height, width} has height x width positions.

/// Over the last axis of {features} or {n, width}, each of the n vectors by itself (torch.nn.LayerNorm).
/// Errors: a picture of three axes. Source: Ba, Kiros, Hinton: Layer normalization, arXiv 1607.06450, eq. 3.
std::unique_ptr<Unit> layer_norm();

/// Over all positions and the channels of a group, for each sample by itself; the channels form `groups`
/// groups of equal size, one after another (torch.nn.GroupNorm). Of {features} or {channels, height, width}.
/// Errors: other shapes; a number of groups that doesn't divide that of channels. Source: Wu, He: Group
/// normalization, arXiv 1803.08494, eq. 7.
std::unique_ptr<Unit> group_norm(Index groups);

/// In training over all samples of the global batch and all positions, for each channel by itself, so that a
/// training on any number of ranks is that of one process: sums are brought together across ranks in forward
/// and in backward, by the tree by which gradients are added. Otherwise with the statistics `running_mean`
/// and `running_var`, which each step moves by a tenth to the batch's mean and unbiased variance
/// (torch.nn.BatchNorm1d and BatchNorm2d). Where the batch has one value a channel, y is the bias. A rank's
/// rows pass through the network in one piece then, which takes memory for all of them. Of {features} or
/// {channels, height, width}. Errors: other shapes. Source: Ioffe, Szegedy: Batch normalization, arXiv
/// 1502.03167, algorithms 1 and 2.
std::unique_ptr<Unit> batch_norm();

/// In training over all samples and positions of a micro-batch, for each channel by itself; otherwise as
/// batch_norm. Where a micro-batch has one value a channel, y is the bias. What it computes depends on the
/// number of micro-batches, but not on that of ranks. Of {features} or {channels, height, width}. Errors:
/// other shapes. Source: Hoffer, Hubara, Soudry: Train longer, generalize better, arXiv 1705.08741, algorithm
/// 1; Ioffe, Szegedy, arXiv 1502.03167.
std::unique_ptr<Unit> batch_norm_micro();

/// The sum of its inputs, which have one shape: where the branches of a residual meet.
std::unique_ptr<Unit> sum();

/// Its inputs, one after another along their channels (torch.cat): of {features} and {n, width} along the
/// last axis, of {channels, height, width} along the first. Errors: inputs that differ in another axis; four
/// axes.
std::unique_ptr<Unit> concat();

}  // namespace lockstep::inline LOCKSTEP_REAL
