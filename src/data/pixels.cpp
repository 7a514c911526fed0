#include "data/pixels.hpp"

#include <algorithm>
#include <cstdlib>

namespace lockstep {

namespace {

using Sums = std::vector<std::uint64_t>;

/// The weights of values `first` and after for one resized value.
struct Window {
  Index first = 0;
  Sums weights = {};
  std::uint64_t total = 0;
};

/// Value `at` of `to`, made of `from`. In units of 1/(2 to) of a value, the centres of values i are at
/// (2 i + 1) to, that of the resized one is at (2 at + 1) from, and the triangle is twice the larger number
/// wide on both sides.
Window window_of(Index at, Index from, Index to) {
  const Index centre = (2 * at + 1) * from;
  const Index reach = 2 * std::max(from, to);
  const auto weight = [&](Index i) { return reach - std::abs((2 * i + 1) * to - centre); };
  Window window;
  window.first = std::max<Index>(0, (centre - reach - to) / (2 * to));
  while (weight(window.first) <= 0) ++window.first;
  for (Index i = window.first; i < from && weight(i) > 0; ++i) {
    window.weights.push_back(static_cast<std::uint64_t>(weight(i)));
    window.total += window.weights.back();
  }
  return window;
}

/// `values`, [outer x from x inner], as [outer x to x inner].
std::vector<std::uint8_t> resize_axis(const std::vector<std::uint8_t>& values, Index outer, Index from,
                                      Index inner, Index to) {
  std::vector<std::uint8_t> result(static_cast<std::size_t>(outer * to * inner));
  Sums sums(static_cast<std::size_t>(inner));
  for (Index at = 0; at < to; ++at) {
    const Window window = window_of(at, from, to);
    for (Index line = 0; line < outer; ++line) {
      std::fill(sums.begin(), sums.end(), window.total / 2);  // to the nearest
      const std::uint8_t* value = values.data() + (line * from + window.first) * inner;
      for (const std::uint64_t weight : window.weights) {
        for (std::uint64_t& sum : sums) sum += weight * *value++;
      }
      std::transform(sums.begin(), sums.end(), result.begin() + (line * to + at) * inner,
                     [&](std::uint64_t sum) { return static_cast<std::uint8_t>(sum / window.total); });
    }
  }
  return result;
}

}  // namespace

Pixels with_channels(Pixels pixels, Index channels) {
  if (pixels.channels == channels) return pixels;
  Pixels result{pixels.height, pixels.width, channels};
  result.values.reserve(static_cast<std::size_t>(pixels.height * pixels.width * channels));
  if (channels == 3) {
    for (const std::uint8_t value : pixels.values) result.values.insert(result.values.end(), 3, value);
    return result;
  }
  for (auto colour = pixels.values.begin(); colour != pixels.values.end(); colour += 3) {
    constexpr unsigned kRed = 19595;  // of 65536
    constexpr unsigned kGreen = 38470;
    constexpr unsigned kBlue = 7471;
    result.values.push_back(static_cast<std::uint8_t>(
        (kRed * colour[0] + kGreen * colour[1] + kBlue * colour[2] + 0x8000U) >> 16U));
  }
  return result;
}

Pixels resized(const Pixels& pixels, Index height, Index width) {
  Pixels result = pixels;
  if (width != pixels.width) {
    result.values = resize_axis(result.values, pixels.height, pixels.width, pixels.channels, width);
    result.width = width;
  }
  if (height != pixels.height) {
    result.values = resize_axis(result.values, 1, pixels.height, width * pixels.channels, height);
    result.height = height;
  }
  return result;
}

}  // namespace lockstep
