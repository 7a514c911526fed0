#include "nn/window_products.hpp"

#include <algorithm>
#include <span>

#include "lockstep/core/error.hpp"
#include "nn/product_kernel.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Chosen by measuring; neither shows in a result.
constexpr Index kShortSegment = 32;  // terms
constexpr Index kShortRun = 14;      // windows
constexpr std::size_t kNearRuns = 4;

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

WindowProducts::WindowProducts(const Windows& windows, Index channels, Index outputs, const Picture& output)
    : windows_(windows),
      channels_(channels),
      outputs_(outputs),
      output_(output),
      terms_(windows.size * windows.size * channels),
      copies_(windows.size > 1 && (windows.size * channels < kShortSegment || output.width < kShortRun)),
      panel_(2 * kernel().lanes) {
  LOCKSTEP_CHECK(panel_ <= kSlack);
}

void WindowProducts::pack(const Weight& value) {
  packed_.assign(static_cast<std::size_t>(quotient_up(outputs_, panel_) * panel_ * terms_), Real(0));
  for (Index output = 0; output < outputs_; ++output) {
    const Index first = output / panel_ * panel_;
    const Index pitch = std::min(panel_, quotient_up(outputs_ - first, kernel().lanes) * kernel().lanes);
    Real* to = packed_.data() + first * terms_ + (output - first);
    for (Index row = 0; row < windows_.size; ++row) {
      for (Index column = 0; column < windows_.size; ++column) {
        for (Index channel = 0; channel < channels_; ++channel, to += pitch) {
          *to = value(output, row, column, channel);
        }
      }
    }
  }
}

WindowProducts::RowPieces WindowProducts::row_pieces(const PictureView& picture) const {
  if (windows_.dilation == 1 && picture.pitch == channels_) return {1, windows_.size * channels_};
  return {windows_.size, channels_};
}

/// Each window's terms, one window after another.
void WindowProducts::copy_windows(const PictureView& picture, std::vector<Real>& to) const {
  const auto size = static_cast<std::size_t>(output_.pixels() * terms_ + kSlack);
  if (to.size() < size) to.resize(size);
  const auto [pieces, length] = row_pieces(picture);
  Real* place = to.data();
  for (Index y = 0; y < output_.height; ++y) {
    for (Index x = 0; x < output_.width; ++x) {
      for (Index row = 0; row < windows_.size; ++row) {
        for (Index piece = 0; piece < pieces; ++piece, place += length) {
          const Real* const from = picture.at(y * windows_.stride + row * windows_.dilation,
                                              x * windows_.stride + piece * windows_.dilation);
          for (Index i = 0; i < length; ++i) place[i] = from[i];
        }
      }
    }
  }
}

const WindowProducts::Runs& WindowProducts::runs_of(const PictureView& picture) const {
  thread_local Runs all;
  all.runs.clear();
  all.segments.clear();
  if (copies_) {
    copy_windows(picture, all.copies);
    all.runs.push_back({all.copies.data(), terms_, output_.pixels(), 0});
    all.segments.push_back({0, 0, terms_});
    return all;
  }
  for (Index y = 0; y < output_.height; ++y) {
    all.runs.push_back({picture.at(y * windows_.stride, 0), windows_.stride * picture.pitch, output_.width,
                        y * output_.width});
  }
  const auto [pieces, length] = row_pieces(picture);
  for (Index row = 0; row < windows_.size; ++row) {
    for (Index piece = 0; piece < pieces; ++piece) {
      const Real* const first = picture.at(row * windows_.dilation, piece * windows_.dilation);
      all.segments.push_back({first - picture.first, std::ssize(all.segments) * length, length});
    }
  }
  return all;
}

void WindowProducts::forward(const PictureView& picture, const Real* bias, Real* y, Index pitch) const {
  const Runs& all = runs_of(picture);
  for (Index first = 0; first < outputs_; first += panel_) {
    const Index columns = std::min(panel_, outputs_ - first);
    const Index width = quotient_up(columns, kernel().lanes);
    const auto& tiles = kernel().tiles[0][width - 1];
    const Index b_pitch = width * kernel().lanes;
    const Real* const weights = packed_.data() + first * terms_;
    // The weights of a segment stay in the nearest cache for some runs.
    for (std::size_t begin = 0; begin < all.runs.size(); begin += kNearRuns) {
      const std::span runs = std::span(all.runs).subspan(begin, std::min(kNearRuns, all.runs.size() - begin));
      for (const Segment& segment : all.segments) {
        const bool is_last = segment.term + segment.terms == terms_;
        for (const Run& run : runs) {
          in_even_parts(run.windows, kernel().rows, [&](Index window, Index rows) {
            tiles[rows - 1]({.a = run.first + window * run.step + segment.offset,
                             .a_pitch = run.step,
                             .b = weights + segment.term * b_pitch,
                             .b_pitch = b_pitch,
                             .terms = segment.terms,
                             .c = y + (run.pixel + window) * pitch + first,
                             .c_pitch = pitch,
                             .columns = columns,
                             .goes_on = segment.term > 0,
                             .column_bias = is_last && bias != nullptr ? bias + first : nullptr,
                             .row_bias = nullptr});
          });
        }
      }
    }
  }
}

void WindowProducts::weight_gradient(const PictureView& picture, const Real* dy, Index pitch, Index first,
                                     Index count, bool goes_on, Real* sums) const {
  const Runs& all = runs_of(picture);
  // A tile of sums stays in the nearest cache for all windows.
  in_even_parts(count, kernel().rows, [&](Index output, Index rows) {
    for (const Segment& segment : all.segments) {
      for (Index term = 0; term < segment.terms; term += panel_) {
        const Index columns = std::min(panel_, segment.terms - term);
        const Index width = quotient_up(columns, kernel().lanes);
        ProductTile<Real> tile{.a = nullptr,
                               .a_pitch = pitch,
                               .b = nullptr,
                               .b_pitch = 0,
                               .terms = 0,
                               .c = sums + output * terms_ + segment.term + term,
                               .c_pitch = terms_,
                               .columns = columns,
                               .goes_on = goes_on,
                               .column_bias = nullptr,
                               .row_bias = nullptr};
        for (const Run& run : all.runs) {
          tile.a = dy + run.pixel * pitch + first + output;
          tile.b = run.first + segment.offset + term;
          tile.b_pitch = run.step;
          tile.terms = run.windows;
          kernel().tiles[1][width - 1][rows - 1](tile);
          tile.goes_on = true;
        }
      }
    }
  });
}

}  // namespace lockstep::inline LOCKSTEP_REAL
