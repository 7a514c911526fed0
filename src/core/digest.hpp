#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace lockstep {

/// A fingerprint of bytes: XXH3, 128 bits, as 32 hexadecimal digits. It tells equal from different; it is no
/// protection against somebody who forges data.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text);
  std::string text() const;

  static constexpr std::size_t kTextBytes = 32;

 private:
  XXH3_state_s* state_;
};

/// The digest of `bytes` alone.
std::string digest_of(std::span<const std::byte> bytes);

/// Bytes as blocks of 1 MiB, the last one shorter, so that several can share the work on the digest of all.
class DigestBlocks {
 public:
  using BlockDigest = std::array<char, Digest::kTextBytes>;

  explicit DigestBlocks(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t count() const { return (bytes_.size() + kSize - 1) / kSize; }
  BlockDigest digest(std::size_t block) const;

  /// The digest of all blocks: that of their digests, one after another.
  static std::string digest(std::span<const BlockDigest> blocks);
  std::string digest() const;

 private:
  static constexpr std::size_t kSize = std::size_t{1} << 20U;
  std::span<const std::byte> bytes_;
};

}  // namespace lockstep
