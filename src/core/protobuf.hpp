#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lockstep {

/// The bytes of `value`, the lowest first.
template <std::unsigned_integral T>
std::string little_endian(T value) {
  constexpr unsigned kByte = 8;
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(value >> (kByte * i));
  return bytes;
}

/// A message of protocol buffers, written field by field. Local. Source: Encoding,
/// https://protobuf.dev/programming-guides/encoding
class ProtobufMessage {
 public:
  ProtobufMessage& add_number(std::uint32_t field, std::int64_t value) {
    add_tag(field, WireType::kVarint);
    add_varint(static_cast<std::uint64_t>(value));
    return *this;
  }

  ProtobufMessage& add_float(std::uint32_t field, float value) {
    add_tag(field, WireType::kFourBytes);
    bytes_ += little_endian(std::bit_cast<std::uint32_t>(value));
    return *this;
  }

  ProtobufMessage& add_double(std::uint32_t field, double value) {
    add_tag(field, WireType::kEightBytes);
    bytes_ += little_endian(std::bit_cast<std::uint64_t>(value));
    return *this;
  }

  ProtobufMessage& add_bytes(std::uint32_t field, std::string_view value) {
    add_tag(field, WireType::kLengthAndBytes);
    add_varint(value.size());
    bytes_ += value;
    return *this;
  }

  ProtobufMessage& add_message(std::uint32_t field, const ProtobufMessage& message) {
    return add_bytes(field, message.bytes_);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  enum class WireType : std::uint32_t { kVarint = 0, kEightBytes = 1, kLengthAndBytes = 2, kFourBytes = 5 };

  void add_tag(std::uint32_t field, WireType type) {
    constexpr std::uint32_t kTypeBits = 3;
    add_varint((field << kTypeBits) | static_cast<std::uint32_t>(type));
  }

  /// Seven bits a byte, the lowest first; the eighth says that more follow.
  void add_varint(std::uint64_t value) {
    constexpr unsigned kBits = 7;
    constexpr std::uint64_t kMore = 1U << kBits;
    for (; value >= kMore; value >>= kBits) bytes_ += static_cast<char>(value | kMore);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace lockstep
