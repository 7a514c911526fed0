#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

namespace lockstep::fuzz {

/// What libFuzzer made up, taken apart from the front.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  /// One of 0 … count - 1, by the first byte; 0 where nothing is left.
  std::size_t choose(std::size_t count);

  std::span<const std::byte> bytes() const { return std::as_bytes(rest_); }
  std::string_view text() const { return {reinterpret_cast<const char*>(rest_.data()), rest_.size()}; }

 private:
  std::span<const std::uint8_t> rest_;
};

/// Calls `read`. A reader may refuse an input with an Error for the person, of one printable line; whatever
/// else it throws is a finding and ends the program.
void expect_value_or_error(const std::function<void()>& read);

/// Ends the program as a finding, unless `condition`.
void expect(bool condition, std::string_view what);

/// The path of a file in memory, for child processes too, that holds `bytes` until the next call.
std::filesystem::path file_of(std::span<const std::byte> bytes);

}  // namespace lockstep::fuzz
