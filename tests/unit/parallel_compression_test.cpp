// Compressed values come back bit for bit, and take as many bytes as the form says.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lockstep/core/random.hpp"
#include "lockstep/nn/matrix.hpp"
#include "parallel/compression.hpp"

namespace lockstep {
namespace {

using Floats = std::vector<float>;

std::uint32_t bits_at(Index i, std::uint64_t which) {
  return static_cast<std::uint32_t>(
      random_bits(7, Purpose::kSynthetic, {static_cast<std::uint64_t>(i), which, 0, 0})[0] >> 32U);
}

/// Any patterns: numbers of all sizes, subnormal ones, infinities and NaN.
Floats any_bits(Index count, std::uint64_t which) {
  Floats values;
  for (Index i = 0; i < count; ++i) values.push_back(std::bit_cast<float>(bits_at(i, which)));
  return values;
}

/// Between -1 and 1.
Floats usual(Index count, std::uint64_t which) {
  Floats values;
  for (Index i = 0; i < count; ++i)
    values.push_back(std::ldexp(static_cast<float>(bits_at(i, which)), -31) - 1.0F);
  return values;
}

Floats special(Index count) {
  using Limits = std::numeric_limits<float>;
  const Floats some = {0.0F,          -0.0F,          Limits::denorm_min(), -Limits::denorm_min(),
                       Limits::min(), -Limits::max(), Limits::infinity(),   -Limits::infinity(),
                       Limits::max(), 1.0F,           Limits::quiet_NaN(),  -1.0F};
  Floats values;
  for (Index i = 0; i < count; ++i) values.push_back(some[static_cast<std::size_t>(i * i) % some.size()]);
  return values;
}

std::vector<std::uint32_t> bits_of(const Floats& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

std::vector<std::byte> compressed(const CodedRun& run, const Floats& values, const Floats& previous) {
  constexpr std::byte kUntouched{0x5a};
  std::vector<std::byte> room(most_compressed_bytes(run) + 3, kUntouched);
  std::byte* const begin = room.data() + 1;  // not aligned
  const std::byte* const end = compress(run, values.data(), previous.data(), begin);
  EXPECT_LE(end, begin + most_compressed_bytes(run));
  EXPECT_TRUE(std::all_of(end, static_cast<const std::byte*>(room.data() + room.size()),
                          [&](std::byte each) { return each == kUntouched; }));
  return {static_cast<const std::byte*>(begin), end};
}

std::size_t size_of(const CodedRun& run, const Floats& values, const Floats& previous = {}) {
  return compressed(run, values, previous).size();
}

/// bfloat16's nearest value, by another implementation.
Floats rounded(Floats values) {
  for (float& value : values) value = static_cast<float>(Bfloat16(value));
  return values;
}

void expect_back(const CodedRun& run, const Floats& values, const Floats& previous) {
  std::vector<std::byte> message = compressed(run, values, previous);
  message.insert(message.begin(), std::byte{0});
  Floats back = previous;
  EXPECT_EQ(decompress(run, message.data() + 1, back.data()), message.data() + message.size());
  EXPECT_EQ(bits_of(back), bits_of(run.is_bfloat16 ? rounded(values) : values)) << fmt::format(
      "{} values, coding {}, bfloat16 {}", run.count, static_cast<int>(run.coding), run.is_bfloat16);
}

TEST(Compression, GivesBackTheSameBits) {
  for (const Index count : {0, 1, 2, 15, 16, 17, 63, 64, 65, 100, 1023, 1024, 1025, 2048, 5001}) {
    for (const Coding coding : {Coding::kValues, Coding::kChanges}) {
      for (const bool is_bfloat16 : {false, true}) {
        const CodedRun run{.count = count, .is_bfloat16 = is_bfloat16, .coding = coding};
        expect_back(run, usual(count, 1), usual(count, 2));
        expect_back(run, special(count), usual(count, 3));
        expect_back(run, usual(count, 4), special(count));
        // Bits of a NaN that rounding doesn't keep are Bfloat16's own.
        if (!is_bfloat16) expect_back(run, any_bits(count, 5), any_bits(count, 6));
      }
    }
  }
}

TEST(Compression, ReadsNoMoreThanTheMostBytesOfAnyMessage) {
  for (const Index count : {1, 16, 65, 3000}) {
    for (const Coding coding : {Coding::kValues, Coding::kChanges}) {
      for (const bool is_bfloat16 : {false, true}) {
        const CodedRun run{.count = count, .is_bfloat16 = is_bfloat16, .coding = coding};
        std::vector<std::byte> message(most_compressed_bytes(run));
        for (std::size_t i = 0; i < message.size(); ++i)
          message[i] = std::byte(bits_at(static_cast<Index>(i), 8) & 0xffU);
        Floats values(static_cast<std::size_t>(count));
        EXPECT_LE(decompress(run, message.data(), values.data()), message.data() + message.size());
      }
    }
  }
}

/// Of `groups` with heads of `head` bytes and `rows` rows of 16 numbers of `width` bits in all: each of the
/// 16 streams is whole words of 32 bits.
std::size_t bytes_of(Index groups, Index head, Index rows, Index width) {
  constexpr Index kWordBits = 32;
  constexpr Index kBytesOfAWord = 64;  // in all streams
  return static_cast<std::size_t>(groups * head +
                                  kBytesOfAWord * ((rows * width + kWordBits - 1) / kWordBits));
}

// 24 bits of sign and significand, up to 8 of the exponent, and two bytes for each 64 values.
TEST(Compression, OfValuesTakesTheBitsOfTheirExponents) {
  constexpr Index kCount{6400};
  const CodedRun run{.count = kCount, .is_bfloat16 = false, .coding = Coding::kValues};
  const auto expected = [](Index width) { return bytes_of(kCount / 64, 2, kCount / 16, width); };
  Floats values(kCount);
  EXPECT_EQ(size_of(run, values), expected(0)) << "zeros";
  for (std::size_t i = 0; i < kCount; ++i) values[i] = i % 2 == 0 ? 1.0F : -1.75F;
  EXPECT_EQ(size_of(run, values), expected(24)) << "one exponent";
  for (std::size_t i = 0; i < kCount; ++i) values[i] = std::ldexp(-1.5F, static_cast<int>(i % 8));
  EXPECT_EQ(size_of(run, values), expected(24 + 3)) << "eight exponents";
  for (std::size_t i = 0; i < kCount; i += 64) values[i] = 0;
  EXPECT_EQ(size_of(run, values), expected(24 + 8)) << "that of zero is far away";
  EXPECT_EQ(most_compressed_bytes(run), expected(32));
}

TEST(Compression, OfChangesTakesTheBitsOfTheLargestOf16) {
  constexpr Index kCount{5120};
  const CodedRun run{.count = kCount, .is_bfloat16 = false, .coding = Coding::kChanges};
  const auto expected = [](Index rows, Index width) { return bytes_of(kCount / 16, 1, rows, width); };
  const Floats previous = usual(kCount, 1);
  Floats values = previous;
  EXPECT_EQ(size_of(run, values, previous), expected(0, 0)) << "nothing has changed";
  for (std::size_t i = 0; i < kCount; i += 16)
    values[i] = std::nextafter(values[i], i % 32 == 0 ? 2.0F : -2.0F);
  EXPECT_EQ(size_of(run, values, previous), expected(kCount / 32, 2 + 1))
      << "by one place up, which is number 2, or down, number 1";
  Floats zeros(kCount);
  zeros[7] = -0.0F;
  EXPECT_EQ(size_of(run, zeros, Floats(kCount)), expected(1, 1)) << "-0 is the place below 0";
}

TEST(Compression, OfBfloat16DoesNotSendTheOtherHalf) {
  constexpr Index kCount{6400};
  const CodedRun run{.count = kCount, .is_bfloat16 = true, .coding = Coding::kValues};
  Floats values(kCount);
  for (std::size_t i = 0; i < kCount; ++i) values[i] = std::ldexp(-1.9999F, static_cast<int>(i % 8));
  EXPECT_EQ(size_of(run, values), bytes_of(kCount / 64, 2, kCount / 16, 8 + 3)) << "-2 to -256";
}

}  // namespace
}  // namespace lockstep
