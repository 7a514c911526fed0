#pragma once

#include <cstdint>
#include <string_view>

namespace lockstep {

/// CRC-32C (Castagnoli) of `bytes`, as records of TensorFlow carry it. Source: RFC 3720, 12.1.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace lockstep
