#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "temporary_folder.hpp"

namespace lockstep::test {

/// The header of an IDX file: 0, 0, type, dimensions, then the sizes, largest byte first.
inline std::string idx_header(const std::vector<std::uint32_t>& sizes, char type = 8) {
  std::string result = {0, 0, type, static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) result.push_back(static_cast<char>(size >> shift & 0xFFU));
  }
  return result;
}

/// Writes grey pictures of 6 x 5 pixels, in three classes that differ by their brightest row, as IDX files:
/// 90 to train on and 20 to test by.
inline void write_pictures(const TemporaryFolder& folder) {
  for (const auto& [prefix, count] : {std::pair<std::string, std::uint32_t>{"train", 90}, {"t10k", 20}}) {
    std::string images;
    std::string labels;
    for (std::uint32_t sample = 0; sample < count; ++sample) {
      const std::uint32_t label = sample % 3;
      labels.push_back(static_cast<char>(label));
      for (std::uint32_t y = 0; y < 6; ++y) {
        for (std::uint32_t x = 0; x < 5; ++x) {
          const std::uint32_t noise = (sample * 31 + y * 17 + x * 7) * (sample + 13) % 64;
          images.push_back(static_cast<char>(noise + (y / 2 == label ? 150 : 20)));
        }
      }
    }
    folder.write(prefix + "-images-idx3-ubyte", idx_header({count, 6, 5}) + images);
    folder.write(prefix + "-labels-idx1-ubyte", idx_header({count}) + labels);
  }
}

}  // namespace lockstep::test
