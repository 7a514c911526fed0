#pragma once

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

 private:
  XXH3_state_s* state_;
};

}  // namespace lockstep
