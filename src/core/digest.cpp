#include "core/digest.hpp"

#include <algorithm>
#include <new>
#include <vector>
#include <xxhash.h>

#include <fmt/format.h>

namespace lockstep {

Digest::Digest() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_);
}

Digest::~Digest() { XXH3_freeState(state_); }

void Digest::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_, bytes.data(), bytes.size());
}

void Digest::add(std::string_view text) { add(std::as_bytes(std::span(text))); }

std::string Digest::text() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string digest_of(std::span<const std::byte> bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.text();
}

DigestBlocks::BlockDigest DigestBlocks::digest(std::size_t block) const {
  const std::size_t begin = block * kSize;
  const std::string text = digest_of(bytes_.subspan(begin, std::min(kSize, bytes_.size() - begin)));
  BlockDigest digest{};
  std::copy(text.begin(), text.end(), digest.begin());
  return digest;
}

std::string DigestBlocks::digest(std::span<const BlockDigest> blocks) {
  return digest_of(std::as_bytes(blocks));
}

std::string DigestBlocks::digest() const {
  std::vector<BlockDigest> blocks(count());
  for (std::size_t block = 0; block < blocks.size(); ++block) blocks[block] = digest(block);
  return digest(blocks);
}

}  // namespace lockstep
