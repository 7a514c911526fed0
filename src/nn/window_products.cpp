#include "nn/window_products.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"
#include "nn/bfloat16_rounding.hpp"
#include "nn/product_kernel.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Chosen by measuring; neither shows in a result.
template <typename Factor>
constexpr Index kShortPiece = std::is_same_v<Factor, Bfloat16Pair> ? 8 : 32;  // factors
constexpr Index kShortRun = 8;                                                // windows
constexpr Index kNearRuns = 4;
constexpr Index kNearWeights = Index{40} << 10U;  // bytes

template <typename Factor>
const ProductKernel<Real, Factor>& kernel() {
  return product_kernel<Real, Factor>();
}

/// The factors of the channels of one output at one place of the window, `pitch` apart.
void put_channels(const Real* weights, const WeightView& view, Real* to, Index pitch) {
  for (Index i = 0; i < view.channels; ++i, to += pitch) *to = weights[i * view.channel];
}
void put_channels(const Real* weights, const WeightView& view, Bfloat16Pair* to, Index pitch) {
  for (Index i = 0; i < view.channels; i += 2, to += pitch) {
    const Real first = weights[i * view.channel];
    const Real second = i + 1 < view.channels ? weights[(i + 1) * view.channel] : 0;
    *to = pair_of(static_cast<float>(first), static_cast<float>(second));
  }
}

Index quotient_up(Index a, Index b) { return (a + b - 1) / b; }

/// Calls action(first, count) for parts of [0, size) of nearly the same size, none above `most`.
template <typename Action>
void in_even_parts(Index size, Index most, const Action& action) {
  const Index parts = quotient_up(size, most);
  for (Index part = 0; part < parts; ++part) {
    const Index first = size * part / parts;
    action(first, size * (part + 1) / parts - first);
  }
}

}  // namespace

template <typename Factor>
WindowProducts<Factor>::WindowProducts(const WindowGrid& windows, Index channels, Index outputs,
                                       const Picture& output)
    : windows_(windows),
      channels_(channels),
      outputs_(outputs),
      output_(output),
      terms_(windows.rows * windows.columns * channels),
      copies_(windows.rows > 1 &&
              (windows.columns * channels < kShortPiece<Factor> || output.width < kShortRun)),
      panel_(2 * kernel<Factor>().lanes) {
  LOCKSTEP_CHECK(panel_ <= kSlack);
}

template <typename Factor>
void WindowProducts<Factor>::pack(const WeightView& weights) {
  packed_.assign(static_cast<std::size_t>(quotient_up(outputs_, panel_) * panel_ * terms_), Factor(0));
  for (Index output = 0; output < outputs_; ++output) {
    const Index first = output / panel_ * panel_;
    const Index pitch =
        std::min(panel_, quotient_up(outputs_ - first, kernel<Factor>().lanes) * kernel<Factor>().lanes);
    Factor* to = packed_.data() + first * terms_ + (output - first);
    for (Index row = 0; row < windows_.rows; ++row) {
      for (Index column = 0; column < windows_.columns; ++column, to += channels_ * pitch) {
        put_channels(weights.first + output * weights.output + row * weights.row + column * weights.column,
                     weights, to, pitch);
      }
    }
  }
}

/// Each window's terms, one window after another.
template <typename Factor>
void WindowProducts<Factor>::copy_windows(const PictureView<Factor>& picture, std::vector<Factor>& to) const {
  const auto size = static_cast<std::size_t>(output_.pixels() * terms_ + kSlack);
  if (to.size() < size) to.resize(size);
  const Layout from = in_place(picture);
  Factor* place = to.data();
  for (Index run = 0; run < from.runs; ++run) {
    for (Index window = 0; window < from.windows; ++window) {
      const Factor* const first = from.first + run * from.run_step + window * from.window_step;
      for (Index strip = 0; strip < from.strips; ++strip) {
        for (Index piece = 0; piece < from.pieces; ++piece, place += from.terms) {
          const Factor* const terms = first + strip * from.strip_step + piece * from.piece_step;
          for (Index i = 0; i < from.terms; ++i) place[i] = terms[i];
        }
      }
    }
  }
}

template <typename Factor>
typename WindowProducts<Factor>::Layout WindowProducts<Factor>::in_place(
    const PictureView<Factor>& picture) const {
  const Index row = picture.width * picture.pitch;
  Layout layout{.first = picture.first,
                .runs = output_.height,
                .run_step = windows_.row_stride * row,
                .windows = output_.width,
                .window_step = windows_.column_stride * picture.pitch,
                .strips = 1,
                .strip_step = 0,
                .pieces = windows_.rows,
                .piece_step = windows_.dilation * row,
                .terms = windows_.columns * channels_};
  if (windows_.dilation != 1 || picture.pitch != channels_) {
    layout.strips = windows_.rows;
    layout.strip_step = layout.piece_step;
    layout.pieces = windows_.columns;
    layout.piece_step = windows_.dilation * picture.pitch;
    layout.terms = channels_;
  }
  return layout;
}

template <typename Factor>
typename WindowProducts<Factor>::Layout WindowProducts<Factor>::layout_of(
    const PictureView<Factor>& picture) const {
  if (!copies_) return in_place(picture);
  thread_local std::vector<Factor> copies;
  copy_windows(picture, copies);
  return {.first = copies.data(),
          .runs = output_.height,
          .run_step = output_.width * terms_,
          .windows = output_.width,
          .window_step = terms_,
          .strips = 1,
          .strip_step = 0,
          .pieces = 1,
          .piece_step = 0,
          .terms = terms_};
}

/// Makes one run of runs that follow one another without a gap.
template <typename Factor>
void WindowProducts<Factor>::join_runs(Layout& layout) {
  if (layout.run_step != layout.windows * layout.window_step) return;
  layout.windows *= layout.runs;
  layout.runs = 1;
}

template <typename Factor>
void WindowProducts<Factor>::forward(const PictureView<Factor>& picture, const Real* bias,
                                     const PixelView& y) const {
  Layout x = layout_of(picture);
  if (y.row == x.windows * y.pixel) join_runs(x);
  for (Index first = 0; first < outputs_; first += panel_) {
    const Index columns = std::min(panel_, outputs_ - first);
    const Index width = quotient_up(columns, kernel<Factor>().lanes);
    const auto& tiles = kernel<Factor>().tiles[0][width - 1];
    const Index b_pitch = width * kernel<Factor>().lanes;
    const Index piece_size = x.terms * b_pitch;
    const Index near = std::clamp<Index>(kNearWeights / (piece_size * Index{sizeof(Factor)}), 1, x.pieces);
    // The weights of some pieces stay in the nearest cache for some runs.
    for (Index begin = 0; begin < x.runs; begin += kNearRuns) {
      const Index end = std::min(begin + kNearRuns, x.runs);
      const Factor* weights = packed_.data() + first * terms_;
      for (Index strip = 0; strip < x.strips; ++strip) {
        for (Index piece = 0; piece < x.pieces; piece += near) {
          const Index pieces = std::min(near, x.pieces - piece);
          const bool is_last = strip + 1 == x.strips && piece + pieces == x.pieces;
          const Factor* const terms = x.first + strip * x.strip_step + piece * x.piece_step;
          for (Index run = begin; run < end; ++run) {
            in_even_parts(x.windows, kernel<Factor>().rows, [&](Index window, Index rows) {
              tiles[rows - 1]({.a = terms + run * x.run_step + window * x.window_step,
                               .a_pitch = x.window_step,
                               .b = weights,
                               .b_pitch = b_pitch,
                               .terms = x.terms,
                               .pieces = pieces,
                               .a_step = x.piece_step,
                               .b_step = piece_size,
                               .c = y.first + run * y.row + window * y.pixel + first,
                               .c_pitch = y.pixel,
                               .columns = columns,
                               .goes_on = strip > 0 || piece > 0,
                               .adds = false,
                               .column_bias = is_last && bias != nullptr ? bias + first : nullptr,
                               .row_bias = nullptr});
            });
          }
          weights += pieces * piece_size;
        }
      }
    }
  }
}

template <typename Factor>
void WindowProducts<Factor>::weight_gradient(const PictureView<Factor>& picture, const Factor* dy,
                                             Index pitch, Index first, Index count, bool goes_on,
                                             Real* sums) const {
  Layout x = layout_of(picture);
  join_runs(x);
  in_even_parts(count, kernel<Factor>().rows, [&](Index output, Index rows) {
    Real* to = sums + output * terms_;
    for (Index strip = 0; strip < x.strips; ++strip) {
      for (Index piece = 0; piece < x.pieces; ++piece, to += x.terms) {
        for (Index term = 0; term < x.terms; term += panel_) {
          const Index columns = std::min(panel_, x.terms - term);
          const Index width = quotient_up(columns, kernel<Factor>().lanes);
          kernel<Factor>().tiles[1][width - 1][rows - 1](
              {.a = dy + first + output,
               .a_pitch = pitch,
               .b = x.first + strip * x.strip_step + piece * x.piece_step + term,
               .b_pitch = x.window_step,
               .terms = x.windows,
               .pieces = x.runs,
               .a_step = x.windows * pitch,
               .b_step = x.run_step,
               .c = to + term,
               .c_pitch = terms_,
               .columns = columns,
               .goes_on = goes_on,
               .adds = false,
               .column_bias = nullptr,
               .row_bias = nullptr});
        }
      }
    }
  });
}

template class WindowProducts<Real>;
template class WindowProducts<Bfloat16Pair>;

}  // namespace lockstep::inline LOCKSTEP_REAL
