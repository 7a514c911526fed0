#include "nn/window_products.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"
#include "nn/product_kernel.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Chosen by measuring; neither shows in a result.
constexpr Index kShortPiece = 32;  // terms
constexpr Index kShortRun = 8;     // windows
constexpr Index kNearRuns = 4;
constexpr Index kNearWeights = Index{40} << 10U;  // bytes

const ProductKernel<Real>& kernel() { return product_kernel<Real>(); }

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

WindowProducts::WindowProducts(const WindowGrid& windows, Index channels, Index outputs,
                               const Picture& output)
    : windows_(windows),
      channels_(channels),
      outputs_(outputs),
      output_(output),
      terms_(windows.rows * windows.columns * channels),
      copies_(windows.rows > 1 && (windows.columns * channels < kShortPiece || output.width < kShortRun)),
      panel_(2 * kernel().lanes) {
  LOCKSTEP_CHECK(panel_ <= kSlack);
}

void WindowProducts::pack(const WeightView& weights) {
  packed_.assign(static_cast<std::size_t>(quotient_up(outputs_, panel_) * panel_ * terms_), Real(0));
  for (Index output = 0; output < outputs_; ++output) {
    const Index first = output / panel_ * panel_;
    const Index pitch = std::min(panel_, quotient_up(outputs_ - first, kernel().lanes) * kernel().lanes);
    Real* to = packed_.data() + first * terms_ + (output - first);
    for (Index row = 0; row < windows_.rows; ++row) {
      for (Index column = 0; column < windows_.columns; ++column) {
        const Real* const from =
            weights.first + output * weights.output + row * weights.row + column * weights.column;
        for (Index channel = 0; channel < channels_; ++channel, to += pitch)
          *to = from[channel * weights.channel];
      }
    }
  }
}

/// Each window's terms, one window after another.
void WindowProducts::copy_windows(const PictureView& picture, std::vector<Real>& to) const {
  const auto size = static_cast<std::size_t>(output_.pixels() * terms_ + kSlack);
  if (to.size() < size) to.resize(size);
  const Layout from = in_place(picture);
  Real* place = to.data();
  for (Index run = 0; run < from.runs; ++run) {
    for (Index window = 0; window < from.windows; ++window) {
      const Real* const first = from.first + run * from.run_step + window * from.window_step;
      for (Index strip = 0; strip < from.strips; ++strip) {
        for (Index piece = 0; piece < from.pieces; ++piece, place += from.terms) {
          const Real* const terms = first + strip * from.strip_step + piece * from.piece_step;
          for (Index i = 0; i < from.terms; ++i) place[i] = terms[i];
        }
      }
    }
  }
}

WindowProducts::Layout WindowProducts::in_place(const PictureView& picture) const {
  const Index row = picture.width * picture.pitch;
  Layout layout{.first = picture.first,
                .runs = output_.height,
                .run_step = windows_.stride * row,
                .windows = output_.width,
                .window_step = windows_.stride * picture.pitch,
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

WindowProducts::Layout WindowProducts::layout_of(const PictureView& picture) const {
  if (!copies_) return in_place(picture);
  thread_local std::vector<Real> copies;
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
void WindowProducts::join_runs(Layout& layout) {
  if (layout.run_step != layout.windows * layout.window_step) return;
  layout.windows *= layout.runs;
  layout.runs = 1;
}

void WindowProducts::forward(const PictureView& picture, const Real* bias, const PixelView& y) const {
  Layout x = layout_of(picture);
  if (y.row == x.windows * y.pixel) join_runs(x);
  for (Index first = 0; first < outputs_; first += panel_) {
    const Index columns = std::min(panel_, outputs_ - first);
    const Index width = quotient_up(columns, kernel().lanes);
    const auto& tiles = kernel().tiles[0][width - 1];
    const Index b_pitch = width * kernel().lanes;
    const Index piece_size = x.terms * b_pitch;
    const Index near = std::clamp<Index>(kNearWeights / (piece_size * Index{sizeof(Real)}), 1, x.pieces);
    // The weights of some pieces stay in the nearest cache for some runs.
    for (Index begin = 0; begin < x.runs; begin += kNearRuns) {
      const Index end = std::min(begin + kNearRuns, x.runs);
      const Real* weights = packed_.data() + first * terms_;
      for (Index strip = 0; strip < x.strips; ++strip) {
        for (Index piece = 0; piece < x.pieces; piece += near) {
          const Index pieces = std::min(near, x.pieces - piece);
          const bool is_last = strip + 1 == x.strips && piece + pieces == x.pieces;
          const Real* const terms = x.first + strip * x.strip_step + piece * x.piece_step;
          for (Index run = begin; run < end; ++run) {
            in_even_parts(x.windows, kernel().rows, [&](Index window, Index rows) {
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

void WindowProducts::weight_gradient(const PictureView& picture, const Real* dy, Index pitch, Index first,
                                     Index count, bool goes_on, Real* sums) const {
  Layout x = layout_of(picture);
  join_runs(x);
  in_even_parts(count, kernel().rows, [&](Index output, Index rows) {
    Real* to = sums + output * terms_;
    for (Index strip = 0; strip < x.strips; ++strip) {
      for (Index piece = 0; piece < x.pieces; ++piece, to += x.terms) {
        for (Index term = 0; term < x.terms; term += panel_) {
          const Index columns = std::min(panel_, x.terms - term);
          const Index width = quotient_up(columns, kernel().lanes);
          kernel().tiles[1][width - 1][rows - 1](
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
               .column_bias = nullptr,
               .row_bias = nullptr});
        }
      }
    }
  });
}

}  // namespace lockstep::inline LOCKSTEP_REAL
