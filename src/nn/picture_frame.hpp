#pragma once

#include <algorithm>
#include <vector>

#include "nn/picture.hpp"
#include "nn/window_products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Pictures in a frame of zeros, channels last, in memory that units share.
class PictureFrame {
 public:
  /// `before`: rows and columns of the frame before the first pixel's.
  PictureFrame(const Picture& input, Index before, const Picture& framed)
      : input_(input), before_(before), framed_(framed) {}

  /// Room for so many pictures in `memory`.
  Real* room(std::vector<Real>& memory, Index count) const {
    const auto size = static_cast<std::size_t>(count * framed_.size() + WindowProducts::kSlack);
    if (memory.size() < size) memory.resize(size);
    return memory.data();
  }

  /// Makes picture number `i` of `framed` of one without a frame.
  void assign(const Real* from, Real* framed, Index i) const {
    const Index line = framed_.width * framed_.channels;
    const Index left = before_ * framed_.channels;
    const Index run = input_.width * input_.channels;
    Real* place = std::fill_n(framed + i * framed_.size(), before_ * line, Real(0));
    for (Index row = 0; row < input_.height; ++row, from += run) {
      place = std::fill_n(place, left, Real(0));
      place = std::copy_n(from, run, place);
      place = std::fill_n(place, line - left - run, Real(0));
    }
    std::fill_n(place, (framed_.height - before_ - input_.height) * line, Real(0));
  }

  /// Picture number `i` from this pixel of it, without the frame, and this channel on.
  PictureView view(const Real* framed, Index i, Index row, Index column, Index channel) const {
    const Index pixel = (before_ + row) * framed_.width + before_ + column;
    return {framed + i * framed_.size() + pixel * framed_.channels + channel, framed_.width,
            framed_.channels};
  }

 private:
  Picture input_;
  Index before_;
  Picture framed_;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
