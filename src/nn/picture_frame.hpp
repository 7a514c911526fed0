#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "nn/bfloat16.hpp"
#include "nn/picture.hpp"
#include "nn/window_products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Factors that hold so many channels.
template <typename Factor>
constexpr Index factors_of(Index channels) {
  return std::is_same_v<Factor, Bfloat16Pair> ? (channels + 1) / 2 : channels;
}

/// Pictures in a frame of zeros, channels last, in memory that units share. Pairs are of neighbouring
/// channels of a group.
template <typename Factor>
class PictureFrame {
 public:
  /// `before`: rows and columns of the frame before the first pixel's.
  PictureFrame(const Picture& input, Index groups, Index before, Index height, Index width)
      : input_(input),
        groups_(groups),
        channels_(input.channels / groups),
        before_(before),
        framed_{groups * factors_of<Factor>(channels_), height, width} {}

  /// Factors of a picture.
  Index size() const { return framed_.size(); }

  /// Of one without a frame.
  void assign(const Real* from, Factor* framed) const {
    const Index line = framed_.width * framed_.channels;
    const Index left = before_ * framed_.channels;
    const Index run = input_.width * framed_.channels;
    Factor* place = std::fill_n(framed, before_ * line, Factor(0));
    for (Index row = 0; row < input_.height; ++row, from += input_.width * input_.channels) {
      place = std::fill_n(place, left, Factor(0));
      put_row(from, place);
      place = std::fill_n(place + run, line - left - run, Factor(0));
    }
    std::fill_n(place, (framed_.height - before_ - input_.height) * line, Factor(0));
  }

  /// From this pixel of it, without the frame, and this group on.
  PictureView<Factor> view(const Factor* framed, Index row, Index column, Index group) const {
    const Index pixel = (before_ + row) * framed_.width + before_ + column;
    return {framed + pixel * framed_.channels + group * factors_of<Factor>(channels_), framed_.width,
            framed_.channels};
  }

 private:
  void put_row(const Real* from, Real* to) const { std::copy_n(from, input_.width * input_.channels, to); }
  void put_row(const Real* from, Bfloat16Pair* to) const {
    if (channels_ % 2 == 0) return to_pairs(from, input_.width * input_.channels, to);
    for (Index i = 0; i < input_.width * groups_; ++i, from += channels_) {
      to_pairs(from, channels_, to);
      to += factors_of<Bfloat16Pair>(channels_);
    }
  }

  Picture input_;
  Index groups_;
  Index channels_;  // of a group
  Index before_;
  Picture framed_;  // in factors
};

/// Room for `count` pictures of so many factors in `memory`, and for what is read beyond the last.
template <typename Factor>
Factor* room_for_pictures(std::vector<Factor>& memory, Index count, Index size) {
  const auto factors = static_cast<std::size_t>(count * size + WindowProducts<Factor>::kSlack);
  if (memory.size() < factors) memory.resize(factors);
  return memory.data();
}

}  // namespace lockstep::inline LOCKSTEP_REAL
