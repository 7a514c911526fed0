#include "fuzz.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/file.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep::fuzz {

std::size_t Input::choose(std::size_t count) {
  if (rest_.empty()) return 0;
  const std::size_t chosen = rest_.front() % count;
  rest_ = rest_.subspan(1);
  return chosen;
}

void expect(bool condition, std::string_view what) {
  if (condition) return;
  fmt::print(stderr, "finding: {}\n", what);
  std::abort();
}

void expect_value_or_error(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string message = error.what();
    expect(error.code() == ExitCode::kBadInput, "a bug: " + message);
    expect(message.find_first_of("\n\r\033") == std::string::npos, "a message of several lines: " + message);
  } catch (const std::exception& exception) {
    expect(false, fmt::format("an exception that is no Error: {}", exception.what()));
  }
}

std::filesystem::path file_of(std::span<const std::byte> bytes) {
  static const int descriptor = memfd_create("input", MFD_CLOEXEC);
  const bool written =
      ftruncate(descriptor, 0) == 0 && lseek(descriptor, 0, SEEK_SET) == 0 && write_all(descriptor, bytes);
  expect(written, "no file in memory");
  return fmt::format("/proc/{}/fd/{}", getpid(), descriptor);
}

}  // namespace lockstep::fuzz
