#include "core/checksum.hpp"

#include <array>

namespace lockstep {

namespace {

constexpr unsigned kBits = 8;  // of a byte
constexpr std::uint32_t kByte = (1U << kBits) - 1;

/// What a byte that leaves the register adds to it.
constexpr std::array<std::uint32_t, kByte + 1> remainders() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78;  // 0x1EDC6F41, its bits in reverse
  std::array<std::uint32_t, kByte + 1> table{};
  for (std::uint32_t byte = 0; byte <= kByte; ++byte) {
    std::uint32_t rest = byte;
    for (unsigned bit = 0; bit < kBits; ++bit) rest = (rest >> 1U) ^ ((rest & 1U) * kPolynomial);
    table[byte] = rest;
  }
  return table;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array kRemainders = remainders();
  std::uint32_t rest = ~0U;
  for (const char c : bytes) {
    rest = (rest >> kBits) ^ kRemainders[(rest ^ static_cast<unsigned char>(c)) & kByte];
  }
  return ~rest;
}

}  // namespace lockstep
