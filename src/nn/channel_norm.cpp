#include "nn/channel_norm.hpp"

#include <algorithm>
#include <cmath>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "nn/lanes.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

ChannelView view_of_channels(const Shape& shape) {
  const std::vector<Index>& axes = shape.axes();
  constexpr std::size_t kAxesOfPicture = 3;
  if (axes.size() == 1) return {1, axes[0]};
  if (axes.size() == kAxesOfPicture) return {axes[1] * axes[2], axes[0]};
  fail_input(
      "expected one axis of features, or a picture of channels x height x width; try 'layer-norm' for "
      "vectors "
      "side by side");
}

void ChannelNorm::connect(Index channels, Index groups) {
  LOCKSTEP_CHECK(channels % groups == 0);
  channels_ = channels;
  groups_ = groups;
  group_size_ = channels / groups;
}

void ChannelNorm::start(Index slices) {
  const auto values = static_cast<std::size_t>(slices * groups_);
  if (moments_.size() < values) moments_.resize(values);
  while (std::ssize(scratch_) < threads()) scratch_.emplace_back(static_cast<std::size_t>(channels_));
}

std::span<Moments> ChannelNorm::moments(Index slice) {
  return std::span(moments_).subspan(static_cast<std::size_t>(slice * groups_),
                                     static_cast<std::size_t>(groups_));
}

std::span<const Moments> ChannelNorm::moments(Index slice) const {
  return std::span(moments_).subspan(static_cast<std::size_t>(slice * groups_),
                                     static_cast<std::size_t>(groups_));
}

void ChannelNorm::measure(Index slice, const Real* x, Index positions) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(thread_index())];
  double* const sum = scratch.sum.data();
  double* const mean = scratch.mean.data();
  const std::span<Moments> groups = moments(slice);
  const auto count = static_cast<double>(positions * group_size_);

  std::fill_n(sum, channels_, 0.0);
  for (Index position = 0; position < positions; ++position) {
    const Real* const values = x + position * channels_;
    for (Index c = 0; c < channels_; ++c) sum[c] += values[c];
  }
  for (Index g = 0; g < groups_; ++g) {
    const Index first = g * group_size_;
    Moments& m = groups[static_cast<std::size_t>(g)];
    m.mean = sum_in_lanes(group_size_, [&](Index i) { return sum[first + i]; }) / count;
    std::fill_n(mean + first, group_size_, m.mean);
  }

  std::fill_n(sum, channels_, 0.0);
  for (Index position = 0; position < positions; ++position) {
    const Real* const values = x + position * channels_;
    for (Index c = 0; c < channels_; ++c) {
      const double distance = values[c] - mean[c];
      sum[c] += distance * distance;
    }
  }
  for (Index g = 0; g < groups_; ++g) {
    const Index first = g * group_size_;
    groups[static_cast<std::size_t>(g)].variance =
        sum_in_lanes(group_size_, [&](Index i) { return sum[first + i]; }) / count;
  }
}

/// centre and scale of each channel: x̂ = (x - centre) · scale.
void ChannelNorm::spread(Index slice, Scratch& scratch) const {
  const std::span<const Moments> groups = moments(slice);
  for (Index g = 0; g < groups_; ++g) {
    const Moments& m = groups[static_cast<std::size_t>(g)];
    std::fill_n(scratch.centre.data() + g * group_size_, group_size_, static_cast<Real>(m.mean));
    std::fill_n(scratch.scale.data() + g * group_size_, group_size_,
                static_cast<Real>(1 / std::sqrt(m.variance + kNormEpsilon)));
  }
}

void ChannelNorm::apply(Index slice, const Real* x, Index positions, const Real* parameters, Real* y) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(thread_index())];
  spread(slice, scratch);
  const Real* const centre = scratch.centre.data();
  Real* const slope = scratch.slope.data();
  const Real* const bias = parameters + channels_;
  for (Index c = 0; c < channels_; ++c) slope[c] = scratch.scale[static_cast<std::size_t>(c)] * parameters[c];
  for (Index position = 0; position < positions; ++position) {
    const Real* const values = x + position * channels_;
    Real* const results = y + position * channels_;
    for (Index c = 0; c < channels_; ++c) results[c] = (values[c] - centre[c]) * slope[c] + bias[c];
  }
}

void ChannelNorm::backward(Index slice, const Real* x, const Real* dy, Index positions,
                           const Real* parameters, bool are_measured, double* by_parameters, Real* dx) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(thread_index())];
  spread(slice, scratch);
  sum_gradients(x, dy, positions, scratch);
  for (Index c = 0; c < channels_; ++c) {
    by_parameters[c] += scratch.product_sum[static_cast<std::size_t>(c)];
    by_parameters[channels_ + c] += scratch.sum[static_cast<std::size_t>(c)];
  }
  if (dx != nullptr) input_gradient(x, dy, positions, parameters, are_measured, scratch, dx);
}

/// By channel, Σ dy and Σ dy x̂ over positions.
void ChannelNorm::sum_gradients(const Real* x, const Real* dy, Index positions, Scratch& scratch) const {
  const Real* const centre = scratch.centre.data();
  const Real* const scale = scratch.scale.data();
  double* const sum = scratch.sum.data();
  double* const product_sum = scratch.product_sum.data();
  std::fill_n(sum, channels_, 0.0);
  std::fill_n(product_sum, channels_, 0.0);
  for (Index position = 0; position < positions; ++position) {
    const Real* const values = x + position * channels_;
    const Real* const by_values = dy + position * channels_;
    for (Index c = 0; c < channels_; ++c) {
      sum[c] += by_values[c];
      product_sum[c] += by_values[c] * ((values[c] - centre[c]) * scale[c]);
    }
  }
}

/// With g = dy · weight and means over the group: dx = (g - mean(g) - x̂ · mean(g x̂)) · scale; without means
/// where the moments are constants.
void ChannelNorm::input_gradient(const Real* x, const Real* dy, Index positions, const Real* weight,
                                 bool are_measured, Scratch& scratch, Real* dx) const {
  const Real* const centre = scratch.centre.data();
  Real* const slope = scratch.slope.data();
  Real* const shift = scratch.shift.data();
  Real* const tilt = scratch.tilt.data();
  const auto count = static_cast<double>(positions * group_size_);
  for (Index first = 0; first < channels_; first += group_size_) {
    const auto mean_of = [&](const std::vector<double>& sums) {
      if (!are_measured) return 0.0;
      return sum_in_lanes(
                 group_size_,
                 [&](Index i) { return weight[first + i] * sums[static_cast<std::size_t>(first + i)]; }) /
             count;
    };
    const Real scale = scratch.scale[static_cast<std::size_t>(first)];
    for (Index c = first; c < first + group_size_; ++c) slope[c] = weight[c] * scale;
    std::fill_n(shift + first, group_size_, static_cast<Real>(mean_of(scratch.sum) * scale));
    std::fill_n(tilt + first, group_size_, static_cast<Real>(mean_of(scratch.product_sum) * scale * scale));
  }
  for (Index position = 0; position < positions; ++position) {
    const Real* const values = x + position * channels_;
    const Real* const by_values = dy + position * channels_;
    Real* const results = dx + position * channels_;
    for (Index c = 0; c < channels_; ++c) {
      results[c] = by_values[c] * slope[c] - shift[c] - (values[c] - centre[c]) * tilt[c];
    }
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
