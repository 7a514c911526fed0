#pragma once

#include "lockstep/core/random.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {

/// Random bits for the change at `place` of the list, as often as it needs some.
RandomBits draw_change(const AugmentedPass& pass, Index sample, std::size_t place, std::uint64_t number = 0);

/// Uniform over 0 … count-1.
Index uniform_below(Index count, std::uint64_t bits);

/// Whether samples have a height and a width.
bool is_picture(const DatasetDescription& data);

/// How the values of one picture stand in memory: [height x width x channels], row-major.
struct PictureSize {
  Index height = 0;
  Index width = 0;
  Index channels = 1;

  Index values() const { return height * width * channels; }
};

/// Of data that are pictures.
PictureSize picture_size(const DatasetDescription& data);

/// `picture` after the changes of what is stored that `pass` makes of sample number `sample`: itself where
/// there are none, otherwise in memory of the calling thread, valid until its next call. Allocates only
/// where pictures are larger than any before. Value is std::uint8_t or float.
template <typename Value>
const Value* changed_picture(const Value* picture, const PictureSize& size, const AugmentedPass& pass,
                             Index sample);

/// The changes of what the network sees. Real is float or double.
template <typename Real>
void cut_out(Real* picture, const PictureSize& size, const AugmentedPass& pass, Index sample);

}  // namespace lockstep
