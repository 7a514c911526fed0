#include "lockstep/core/error.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>

#include "core/refusal.hpp"

namespace lockstep {

namespace {

std::string on_one_line(std::string text) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

}  // namespace

Error::Error(ExitCode code, const std::string& message)
    : std::runtime_error(on_one_line(message)), code_(code) {}

Error as_error(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return {ExitCode::kBadInput,
            "out of memory; use a smaller network, batch or data set, or more micro-batches"};
  }
  const auto* system = dynamic_cast<const std::system_error*>(&exception);
  if (system != nullptr && (system->code().category() == std::generic_category() ||
                            system->code().category() == std::system_category())) {
    const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(system);
    const bool has_path = file != nullptr && !file->path1().empty();
    return {ExitCode::kBadInput,
            fmt::format("{}: refused by the system {}", has_path ? file->path1().string() : "a service",
                        because(system->code().value(), "check the path and its permissions"))};
  }
  return {ExitCode::kInternal, fmt::format("internal error: {}; please report it", exception.what())};
}

namespace detail {

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ExitCode::kInternal, fmt::format("internal error: {} does not hold ({}:{}); please report it",
                                               condition, file, line));
}

}  // namespace detail

}  // namespace lockstep
