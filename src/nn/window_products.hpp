#pragma once

#include <functional>
#include <vector>

#include "lockstep/core/real.hpp"
#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A picture in memory, channels last, of whose `pitch` channels some are meant.
struct PictureView {
  const Real* first = nullptr;  ///< of the channels that are meant, at the first pixel
  Index width = 0;
  Index pitch = 0;  ///< values from pixel to pixel

  const Real* at(Index row, Index column) const { return first + (row * width + column) * pitch; }
};

/// The products of a convolution: of windows over a picture with weights, and of windows with gradients. They
/// are made of the tiles that matrix products are made of, on the picture as it stands: a window's rows are
/// runs of memory, and neighbouring windows are a fixed distance apart. Where such runs are short, windows
/// are copied first, one below the other. The bits are the same either way: each result is one chain of fused
/// multiply-adds, in the order below.
///
/// A picture has its frame of zeros, and the kernel reads it in whole vectors: kSlack values behind its end
/// can be read.
class WindowProducts {
 public:
  static constexpr Index kSlack = 64;

  /// Of windows that meet `outputs` weights for each of `channels` channels, a pixel of `output` each.
  WindowProducts(const Windows& windows, Index channels, Index outputs, const Picture& output);

  /// Terms of a window: (row, column, channel) in rising order.
  Index terms() const { return terms_; }

  /// Weights as the products take them: value(output, row, column, channel).
  using Weight = std::function<Real(Index output, Index row, Index column, Index channel)>;
  void pack(const Weight& value);

  /// y[pixel, output] = Σ_term picture[window of the pixel, term] · weight[output, term] (+ bias[output]). y
  /// has `pitch` values from pixel to pixel.
  void forward(const PictureView& picture, const Real* bias, Real* y, Index pitch) const;

  /// sums[output, term] (+)= Σ_pixel dy[pixel, output] · picture[window of the pixel, term] for outputs
  /// [first, first + count), pixels in rising order; from +0, or going on from what is there. dy has `pitch`
  /// values from pixel to pixel.
  void weight_gradient(const PictureView& picture, const Real* dy, Index pitch, Index first, Index count,
                       bool goes_on, Real* sums) const;

 private:
  /// Windows that stand one after another: their terms are `segments` runs of memory.
  struct Run {
    const Real* first;  // term of the first window
    Index step;         // from window to window
    Index windows;
    Index pixel;  // of the first
  };
  struct Segment {
    Index offset;  // from the window's first term
    Index term;
    Index terms;
  };
  struct Runs {
    std::vector<Run> runs;
    std::vector<Segment> segments;
    std::vector<Real> copies;
  };

  /// A window's row is so many pieces of memory, of so many terms each.
  struct RowPieces {
    Index count;
    Index terms;
  };

  RowPieces row_pieces(const PictureView& picture) const;
  const Runs& runs_of(const PictureView& picture) const;
  void copy_windows(const PictureView& picture, std::vector<Real>& to) const;

  Windows windows_;
  Index channels_;
  Index outputs_;
  Picture output_;
  Index terms_;
  bool copies_;  // windows, before they are multiplied
  Index panel_;  // outputs of a panel of weights
  std::vector<Real> packed_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
