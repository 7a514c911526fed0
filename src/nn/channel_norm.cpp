#include "nn/channel_norm.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "nn/lanes.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// So many channels at a time, whose sums stay in registers.
constexpr Index kTile = 16;

/// Calls `action` with the first channel of each tile, and how many it has: kTile, as a constant, of whole
/// ones.
template <typename Action>
[[gnu::always_inline]] inline void for_each_tile(Index channels, const Action& action) {
  Index first = 0;
  for (; first + kTile <= channels; first += kTile) action(first, kTile);
  if (first < channels) action(first, channels - first);
}

/// sum[c] = Σ term(i, c) of the values i of channel c, position by position.
template <typename Term>
[[gnu::always_inline]] inline void sum_channels(Index positions, Index channels, const Term& term,
                                                double* sum) {
  for_each_tile(channels, [&](Index first, Index width) {
    std::array<double, kTile> sums{};
    for (Index i = first; i < positions * channels; i += channels) {
      for (Index k = 0; k < width; ++k) sums[static_cast<std::size_t>(k)] += term(i + k, first + k);
    }
    std::copy_n(sums.begin(), width, sum + first);
  });
}

/// results[i] = value(i, c) for every value i, which is of channel c.
template <typename Value>
[[gnu::always_inline]] inline void set_values(Index positions, Index channels, const Value& value,
                                              Real* __restrict results) {
  for (Index i = 0; i < positions * channels; i += channels) {
    for_each_tile(channels, [&](Index first, Index width) {
      for (Index c = first; c < first + width; ++c) results[i + c] = value(i + c, c);
    });
  }
}

LOCKSTEP_MULTIVERSION
void sum_values(const Real* x, Index positions, Index channels, double* sum) {
  const auto value = [=](Index i, Index) { return static_cast<double>(x[i]); };
  sum_channels(positions, channels, value, sum);
}

LOCKSTEP_MULTIVERSION
void sum_squares(const Real* x, const double* mean, Index positions, Index channels, double* sum) {
  const auto square = [=](Index i, Index c) {
    const double distance = x[i] - mean[c];
    return distance * distance;
  };
  sum_channels(positions, channels, square, sum);
}

/// sum[c] += dy and product_sum[c] += dy x̂, with x̂ = (x - centre) · scale, position by position.
LOCKSTEP_MULTIVERSION
void add_gradients(const Real* dy, const Real* x, const Real* centre, const Real* scale, Index positions,
                   Index channels, double* sum, double* product_sum) {
  for_each_tile(channels, [&](Index first, Index width) {
    std::array<double, kTile> sums{};
    std::array<double, kTile> products{};
    std::copy_n(sum + first, width, sums.begin());
    std::copy_n(product_sum + first, width, products.begin());
    for (Index i = first; i < positions * channels; i += channels) {
      for (Index k = 0; k < width; ++k) {
        const Real by_y = dy[i + k];
        sums[static_cast<std::size_t>(k)] += static_cast<double>(by_y);
        products[static_cast<std::size_t>(k)] +=
            static_cast<double>(by_y * ((x[i + k] - centre[first + k]) * scale[first + k]));
      }
    }
    std::copy_n(sums.begin(), width, sum + first);
    std::copy_n(products.begin(), width, product_sum + first);
  });
}

/// y = (x - centre) · slope + bias.
LOCKSTEP_MULTIVERSION
void set_normalised(const Real* x, const Real* centre, const Real* slope, const Real* bias, Index positions,
                    Index channels, Real* y) {
  const auto value = [=](Index i, Index c) { return (x[i] - centre[c]) * slope[c] + bias[c]; };
  set_values(positions, channels, value, y);
}

/// dx = dy · slope - shift - (x - centre) · tilt.
LOCKSTEP_MULTIVERSION
void set_input_gradient(const Real* dy, const Real* x, const Real* centre, const Real* slope,
                        const Real* shift, const Real* tilt, Index positions, Index channels, Real* dx) {
  const auto value = [=](Index i, Index c) {
    return dy[i] * slope[c] - shift[c] - (x[i] - centre[c]) * tilt[c];
  };
  set_values(positions, channels, value, dx);
}

/// Calls action(first, count) for each part.
template <typename Action>
void in_parts(Index positions, Index most, const Action& action) {
  for (Index first = 0; first < positions; first += std::min(most, positions)) {
    action(first, std::min(most, positions - first));
  }
}

}  // namespace

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

  sum_values(x, positions, channels_, sum);
  for (Index g = 0; g < groups_; ++g) {
    const Index first = g * group_size_;
    Moments& m = groups[static_cast<std::size_t>(g)];
    m.mean = sum_in_lanes(group_size_, [&](Index i) { return sum[first + i]; }) / count;
    std::fill_n(mean + first, group_size_, m.mean);
  }

  sum_squares(x, mean, positions, channels_, sum);
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

void ChannelNorm::apply(Index slice, const Real* x, Index positions, const Real* parameters, Real* y,
                        const PositionParts& after) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(thread_index())];
  spread(slice, scratch);
  for (Index c = 0; c < channels_; ++c) {
    scratch.slope[static_cast<std::size_t>(c)] = scratch.scale[static_cast<std::size_t>(c)] * parameters[c];
  }
  in_parts(positions, after.most, [&](Index first, Index count) {
    set_normalised(x + first * channels_, scratch.centre.data(), scratch.slope.data(), parameters + channels_,
                   count, channels_, y + first * channels_);
    if (after.visit != nullptr) (*after.visit)(first, count);
  });
}

void ChannelNorm::parameter_gradients(Index slice, const Real* x, const Real* dy, Index positions,
                                      double* by_parameters, const PositionParts& before) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(thread_index())];
  spread(slice, scratch);
  std::fill_n(by_parameters, 2 * channels_, 0.0);
  in_parts(positions, before.most, [&](Index first, Index count) {
    if (before.visit != nullptr) (*before.visit)(first, count);
    add_gradients(dy + first * channels_, x + first * channels_, scratch.centre.data(), scratch.scale.data(),
                  count, channels_, by_parameters + channels_, by_parameters);
  });
}

// With g = dy · weight and means over the group: dx = (g - mean(g) - x̂ · mean(g x̂)) · scale; without means
// where the moments are constants.
void ChannelNorm::input_gradient(Index slice, const Real* x, const Real* dy, Index positions,
                                 const Real* parameters, const double* by_parameters, Index measured,
                                 Real* dx, const PositionParts& after) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(thread_index())];
  spread(slice, scratch);
  Real* const slope = scratch.slope.data();
  const auto values = static_cast<double>(measured * group_size_);
  for (Index first = 0; first < channels_; first += group_size_) {
    const auto mean_of = [&](const double* sums) {
      if (by_parameters == nullptr) return 0.0;
      return sum_in_lanes(group_size_, [&](Index i) { return parameters[first + i] * sums[first + i]; }) /
             values;
    };
    const Real scale = scratch.scale[static_cast<std::size_t>(first)];
    for (Index c = first; c < first + group_size_; ++c) slope[c] = parameters[c] * scale;
    std::fill_n(scratch.shift.data() + first, group_size_,
                static_cast<Real>(mean_of(by_parameters + channels_) * scale));
    std::fill_n(scratch.tilt.data() + first, group_size_,
                static_cast<Real>(mean_of(by_parameters) * scale * scale));
  }
  in_parts(positions, after.most, [&](Index first, Index count) {
    set_input_gradient(dy + first * channels_, x + first * channels_, scratch.centre.data(), slope,
                       scratch.shift.data(), scratch.tilt.data(), count, channels_, dx + first * channels_);
    if (after.visit != nullptr) (*after.visit)(first, count);
  });
}

void ChannelNorm::backward(Index slice, const Real* x, const Real* dy, Index positions,
                           const Real* parameters, double* by_parameters, Real* dx) {
  double* const sums = scratch_[static_cast<std::size_t>(thread_index())].sum.data();
  parameter_gradients(slice, x, dy, positions, sums);
  for (Index i = 0; i < 2 * channels_; ++i) by_parameters[i] += sums[i];
  if (dx != nullptr) input_gradient(slice, x, dy, positions, parameters, sums, positions, dx);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
