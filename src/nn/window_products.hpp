#pragma once

#include <vector>

#include "lockstep/core/real.hpp"
#include "lockstep/nn/bfloat16_pair.hpp"
#include "nn/picture.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A picture of factors in memory, channels last, of whose `pitch` channels some are meant.
template <typename Factor>
struct PictureView {
  const Factor* first = nullptr;  ///< of the channels that are meant, at the first pixel
  Index width = 0;
  Index pitch = 0;  ///< factors from pixel to pixel
};

/// Windows over a picture, each of so many rows and columns of its pixels, `dilation` apart from one to the
/// next; the strides are from window to window.
struct WindowGrid {
  Index rows = 1;
  Index columns = 1;
  Index row_stride = 1;
  Index column_stride = 1;
  Index dilation = 1;
};

/// Weights in memory: those of the first output, row, column and channel, and how far it is to the next.
struct WeightView {
  const Real* first = nullptr;
  Index output = 0;
  Index row = 0;
  Index column = 0;
  Index channel = 0;
  Index channels = 0;  ///< how many there are; pairs are of neighbours among them
};

/// Where results go: the first output of the first pixel, and values from row to row and from pixel to pixel.
struct PixelView {
  Real* first = nullptr;
  Index row = 0;
  Index pixel = 0;
};

/// The products of a convolution: of windows over a picture with weights, and of windows with gradients. They
/// are made of the tiles that matrix products are made of, on the picture as it stands: a window's rows are
/// pieces of memory, and neighbouring windows are a fixed distance apart. Where such pieces are short,
/// windows are copied first, one below the other. The bits are the same either way: each result is one chain
/// of fused multiply-adds, in the order below. Factors are Real, or pairs in bfloat16.
///
/// A picture has its frame of zeros, and the kernel reads it in whole vectors: kSlack values behind its end
/// can be read.
template <typename Factor>
class WindowProducts {
 public:
  static constexpr Index kSlack = 64;

  /// Of windows that meet `outputs` weights for each of `channels` factors of a pixel, a pixel of `output`
  /// each.
  WindowProducts(const WindowGrid& windows, Index channels, Index outputs, const Picture& output);

  /// Terms of a window: (row, column, channel) in rising order.
  Index terms() const { return terms_; }

  /// Takes these weights for the products from here on.
  void pack(const WeightView& weights);

  /// y[pixel, output] = Σ_term picture[window of the pixel, term] · weight[output, term] (+ bias[output]).
  void forward(const PictureView<Factor>& picture, const Real* bias, const PixelView& y) const;

  /// sums[output, term] (+)= Σ_pixel dy[pixel, output] · picture[window of the pixel, term] for outputs
  /// [first, first + count), pixels in rising order; from +0, or going on from what is there. dy has `pitch`
  /// factors from pixel to pixel. Pairs are of two pixels, for dy and the picture.
  void weight_gradient(const PictureView<Factor>& picture, const Factor* dy, Index pitch, Index first,
                       Index count, bool goes_on, Real* sums) const;

 private:
  /// Where the terms of all windows are: runs of windows that stand one after another, and in a window so
  /// many strips, each of so many pieces of memory that hold so many terms.
  struct Layout {
    const Factor* first;  // term of the first window
    Index runs, run_step;
    Index windows, window_step;  // of a run
    Index strips, strip_step;
    Index pieces, piece_step;  // of a strip
    Index terms;               // of a piece
  };

  Layout in_place(const PictureView<Factor>& picture) const;
  static void join_runs(Layout& layout);
  /// In place, or of copies of the windows, which live until this thread's next call.
  Layout layout_of(const PictureView<Factor>& picture) const;
  void copy_windows(const PictureView<Factor>& picture, std::vector<Factor>& to) const;

  WindowGrid windows_;
  Index channels_;
  Index outputs_;
  Picture output_;
  Index terms_;
  bool copies_;  // windows, before they are multiplied
  Index panel_;  // outputs of a panel of weights
  std::vector<Factor> packed_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
