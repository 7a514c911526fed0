#pragma once

#include <limits>
#include <span>
#include <vector>

#include "lockstep/nn/matrix.hpp"
#include "nn/norm.hpp"

namespace lockstep {

/// The mean of some values, and the mean of their squared distances from it.
struct Moments {
  double mean = 0;
  double variance = 0;
};

/// A sample as [positions x channels]: its values in the order of memory.
struct ChannelView {
  Index positions = 0;
  Index channels = 0;
};

}  // namespace lockstep

namespace lockstep::inline LOCKSTEP_REAL {

/// {features} at one position, or a picture {channels, height, width}. Errors: another number of axes.
ChannelView view_of_channels(const Shape& shape);

/// The positions of a slice in parts of `most`: `visit` is called for each, with its first and how many they
/// are.
struct PositionParts {
  Index most = std::numeric_limits<Index>::max();
  const RowWork* visit = nullptr;
};

/// The arithmetic of group and batch normalisation over slices [positions x channels] of memory: one sample
/// each, or all of a micro-batch. The channels form groups of equal size, one after another, and each group
/// of a slice is normalised over its channels and all positions. Whatever is added up is added in double, a
/// channel's values position by position, and the sums of a group's channels in 16 lanes; so a slice's bits
/// depend on that slice alone. Slices may be worked on by several threads. Local.
class ChannelNorm {
 public:
  /// Before anything else. `groups` divides `channels`.
  void connect(Index channels, Index groups);

  /// For slices 0 … slices - 1 from here on. Outside of loops; allocates where there were fewer.
  void start(Index slices);

  /// Takes the moments of a slice by two passes, the mean first.
  void measure(Index slice, const Real* x, Index positions);
  /// Those of each group, as measured or set.
  std::span<Moments> moments(Index slice);
  std::span<const Moments> moments(Index slice) const;

  /// y = (x - mean) / √(variance + kNormEpsilon) · weight + bias. `parameters`: weight, then bias, [channels]
  /// each.
  void apply(Index slice, const Real* x, Index positions, const Real* parameters, Real* y,
             const PositionParts& after = {});

  /// Sets `by_parameters` [2 · channels] to the slice's gradients by weight, then bias.
  void parameter_gradients(Index slice, const Real* x, const Real* dy, Index positions, double* by_parameters,
                           const PositionParts& before = {});

  /// Sets dx to the gradients by the slice's x, whose moments were measured over `measured` positions, these
  /// and maybe others: `by_parameters` are the parameters' gradients over all of those, null where the
  /// moments are constants to x.
  void input_gradient(Index slice, const Real* x, const Real* dy, Index positions, const Real* parameters,
                      const double* by_parameters, Index measured, Real* dx, const PositionParts& after = {});

  /// Both of a slice whose moments were measured of it alone: adds to `by_parameters`, and leaves out dx if
  /// that is null.
  void backward(Index slice, const Real* x, const Real* dy, Index positions, const Real* parameters,
                double* by_parameters, Real* dx);

 private:
  /// By channel, of the slice that a thread is at.
  struct Scratch {
    explicit Scratch(std::size_t channels)
        : mean(channels),
          sum(2 * channels),
          centre(channels),
          scale(channels),
          slope(channels),
          shift(channels),
          tilt(channels) {}

    std::vector<double> mean, sum;
    std::vector<Real> centre, scale, slope, shift, tilt;
  };

  void spread(Index slice, Scratch& scratch) const;

  Index channels_ = 0;
  Index groups_ = 0;
  Index group_size_ = 0;
  std::vector<Moments> moments_;  // [slices x groups]
  std::vector<Scratch> scratch_;  // by thread
};

}  // namespace lockstep::inline LOCKSTEP_REAL
