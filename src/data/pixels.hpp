#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// One picture: height x width x channels values, row by row, the channels of a pixel side by side. One
/// channel is grey, three are red, green and blue.
struct Pixels {
  Index height = 0;
  Index width = 0;
  Index channels = 0;
  std::vector<std::uint8_t> values = {};
};

/// `pixels` in grey (1) or colour (3). Grey is what ITU-R BT.601 calls luma, 0.299 R + 0.587 G + 0.114 B, in
/// fixed point, so that every CPU gives the same bits.
Pixels with_channels(Pixels pixels, Index channels);

/// `pixels` in another size, in whole numbers alone, so that every CPU gives the same bits. Each value is a
/// mean weighted by a triangle two pixels wide, pixels of the coarser of the two pictures, along rows and
/// then along columns: bilinear interpolation where the picture grows, and no aliases where it shrinks, as
/// Pillow's BILINEAR.
Pixels resized(const Pixels& pixels, Index height, Index width);

}  // namespace lockstep
