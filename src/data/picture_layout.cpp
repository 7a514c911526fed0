#include "data/picture_layout.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr Index kMostChannels = 4;

}  // namespace

std::vector<Index> PictureLayout::feature_shape() const {
  if (channels == 1) return {height, width};
  return {channels, height, width};
}

bool PictureLayout::is_in_order() const {
  return row_step == width * channels && column_step == channels && channel_step == 1;
}

PictureLayout PictureLayout::transposed() const {
  PictureLayout result = *this;
  std::swap(result.height, result.width);
  std::swap(result.row_step, result.column_step);
  return result;
}

PictureLayout layout_of(const std::string& file, std::span<const Index> sizes) {
  if (sizes.size() == 3) return {sizes[1], sizes[2], 1, sizes[2], 1, 1};
  LOCKSTEP_CHECK(sizes.size() == 4);
  const bool first = sizes[1] <= kMostChannels;
  const bool last = sizes[3] <= kMostChannels;
  if (first == last) {
    fail_input(
        "{}: pictures of {} values; expected 1 to {} channels as the first of these axes or as the last, and "
        "not {}, to tell which; store them otherwise",
        file, fmt::join(sizes.subspan(1), " x "), kMostChannels, first ? "as both" : "as neither");
  }
  if (first) return {sizes[2], sizes[3], sizes[1], sizes[3], 1, sizes[2] * sizes[3]};
  return {sizes[1], sizes[2], sizes[3], sizes[2] * sizes[3], sizes[3], 1};
}

template <typename Value>
void put_in_order(const PictureLayout& layout, std::vector<Value>& values) {
  if (layout.is_in_order()) return;
  const auto count = static_cast<std::size_t>(layout.height * layout.width * layout.channels);
  std::vector<Value> picture(count);
  for (std::size_t begin = 0; begin < values.size(); begin += count) {
    Value* const first = values.data() + begin;
    Value* into = picture.data();
    for (Index row = 0; row < layout.height; ++row) {
      for (Index column = 0; column < layout.width; ++column) {
        const Value* value = first + row * layout.row_step + column * layout.column_step;
        for (Index channel = 0; channel < layout.channels; ++channel) {
          *into++ = value[channel * layout.channel_step];
        }
      }
    }
    std::copy(picture.begin(), picture.end(), first);
  }
}

template void put_in_order(const PictureLayout& layout, std::vector<std::uint8_t>& values);
template void put_in_order(const PictureLayout& layout, std::vector<float>& values);

}  // namespace lockstep
