#pragma once

#include "nn/picture_frame.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What a convolution is of. Each group of outputs sees a group of channels.
struct ConvShape {
  Picture input, output;
  Windows windows;
  Index groups = 1;

  Index channels() const { return input.channels / groups; }  ///< of a group
  Index outputs() const { return output.channels / groups; }  ///< of a group
  Index area() const { return windows.size * windows.size; }
  Index framed_height() const { return input.height + 2 * windows.pad; }
  Index framed_width() const { return input.width + 2 * windows.pad; }

  /// Over the picture in its frame.
  WindowGrid grid() const {
    return {windows.size, windows.size, windows.stride, windows.stride, windows.dilation};
  }
  template <typename Factor>
  PictureFrame<Factor> frame() const {
    return {input, groups, windows.pad, framed_height(), framed_width()};
  }
};

/// What the gradient by a convolution's weights reads of a sample, for WindowProducts::weight_gradient: its
/// picture in a frame of zeros, and the gradient by its output.
template <typename Factor>
class ConvPictures;

/// As they are.
template <>
class ConvPictures<Real> {
 public:
  explicit ConvPictures(const ConvShape& shape) : shape_(shape), frame_(shape.frame<Real>()) {}

  WindowGrid windows() const { return shape_.grid(); }
  Picture output() const { return shape_.output; }

  /// Factors of a sample.
  Index size() const { return frame_.size(); }
  void assign(const Real* x, const Real* /*dy*/, Real* to) const { frame_.assign(x, to); }
  PictureView<Real> x(const Real* sample, Index group) const {
    return frame_.view(sample, -shape_.windows.pad, -shape_.windows.pad, group);
  }
  const Real* dy(const Real* /*sample*/, const Real* dy, Index group) const {
    return dy + group * shape_.outputs();
  }

 private:
  ConvShape shape_;
  PictureFrame<Real> frame_;
};

/// In pairs, which are of two rows of the output's pixels, one below the other, and of the rows of the
/// picture that two windows see at the same place.
template <>
class ConvPictures<Bfloat16Pair> {
 public:
  explicit ConvPictures(const ConvShape& shape) : shape_(shape) {}

  WindowGrid windows() const {
    WindowGrid grid = shape_.grid();
    grid.row_stride *= 2;
    return grid;
  }
  Picture output() const {
    return {shape_.output.channels, (shape_.output.height + 1) / 2, shape_.output.width};
  }

  Index size() const { return size_of_x() + output().size(); }
  void assign(const Real* x, const Real* dy, Bfloat16Pair* to) const {
    const Index line = shape_.framed_width() * shape_.input.channels;
    const Index left = shape_.windows.pad * shape_.input.channels;
    const Index run = shape_.input.width * shape_.input.channels;
    const auto row_of_x = [&](Index row) {
      return 0 <= row && row < shape_.input.height ? x + row * run : nullptr;
    };
    for (Index row = -shape_.windows.pad; row < shape_.input.height + shape_.windows.pad; ++row, to += line) {
      std::fill_n(to, left, Bfloat16Pair{0});
      to_pairs(row_of_x(row), row_of_x(row + shape_.windows.stride), run, to + left);
      std::fill_n(to + left + run, line - left - run, Bfloat16Pair{0});
    }
    const Index outputs = shape_.output.width * shape_.output.channels;
    for (Index row = 0; row < shape_.output.height; row += 2, to += outputs) {
      const Real* const first = dy + row * outputs;
      to_pairs(first, row + 1 < shape_.output.height ? first + outputs : nullptr, outputs, to);
    }
  }
  PictureView<Bfloat16Pair> x(const Bfloat16Pair* sample, Index group) const {
    return {sample + group * shape_.channels(), shape_.framed_width(), shape_.input.channels};
  }
  const Bfloat16Pair* dy(const Bfloat16Pair* sample, const Real* /*dy*/, Index group) const {
    return sample + size_of_x() + group * shape_.outputs();
  }

 private:
  Index size_of_x() const { return shape_.framed_height() * shape_.framed_width() * shape_.input.channels; }

  ConvShape shape_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
