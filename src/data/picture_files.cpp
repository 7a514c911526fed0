#include "data/picture_files.hpp"

#include <algorithm>

#include "data/decode_picture.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

void read_pictures(std::span<const std::string> files, const DatasetDescription& description, Index first,
                   std::span<std::uint8_t> bytes) {
  LOCKSTEP_CHECK(std::ssize(files) == description.samples);
  const std::span<const Index> size = std::span(description.feature_shape).last(2);
  const auto features = static_cast<std::size_t>(description.features());
  for (std::size_t begin = 0; begin < bytes.size(); begin += features) {
    const std::string& file = files[static_cast<std::size_t>(first++)];
    const Pixels pixels =
        resized(with_channels(decode_picture(file), description.channels()), size[0], size[1]);
    std::copy(pixels.values.begin(), pixels.values.end(), bytes.begin() + static_cast<Index>(begin));
  }
}

}  // namespace lockstep
