#pragma once

#include <string>

#include "lockstep/nn/operator_graph.hpp"
#include "lockstep/nn/shape.hpp"
#include "lockstep/nn/unit_forms.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A sample that is a picture, or what units make of one. Its shape is {height, width} or {channels, height,
/// width}; its values stand in memory with the channels last: [height][width][channels].
struct Picture {
  Index channels = 1;
  Index height = 0;
  Index width = 0;

  Index pixels() const { return height * width; }
  Index size() const { return pixels() * channels; }
};

/// Errors: a shape of another number of axes.
Picture picture_of(const Shape& shape);

/// Square windows that slide over a picture with a frame of `pad` zeros, and that take every pixel
/// number `dilation` of those below them.
struct Windows {
  Index size = 1;
  Index stride = 1;
  Index pad = 0;
  Index dilation = 1;

  /// Pixels from a window's first to its last, less one.
  Index reach() const { return dilation * (size - 1); }
  /// How many windows fit along an axis of so many pixels.
  Index count(Index pixels) const { return (pixels + 2 * pad - reach() - 1) / stride + 1; }
};

/// The picture that has a pixel for each window. Errors: a window that is larger than the picture with its
/// frame, or that may see nothing but the frame; sizes below 1.
Picture slide(const Windows& windows, const Picture& input, Index channels);

/// Those that `words` describe by value number `size` and the options stride, pad and dilation, of which the
/// unit may have none; without a stride it is `stride`. Errors: what is no such number.
Windows windows_of(const UnitWords& words, std::size_t size, std::optional<Index> stride);

/// The name of `x`, a picture, with an axis of channels.
std::string with_channels(OperatorGraph& graph, const GraphValue& x);

/// `windows` as convolution and pooling of ONNX name them, but for the dilation.
Attributes attributes_of(const Windows& windows);

/// " stride=2 pad=1": what of `windows` is not as it is where nothing is said, `stride` being that stride.
std::string options_text(const Windows& windows, Index stride);

}  // namespace lockstep::inline LOCKSTEP_REAL
