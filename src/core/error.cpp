#include "lockstep/core/error.hpp"

#include <new>

namespace lockstep {

Error as_error(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return {ExitCode::kBadInput,
            "out of memory; use a smaller network, batch or data set, or more micro-batches"};
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
