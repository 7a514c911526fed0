#include "lockstep/core/error.hpp"

namespace lockstep::detail {

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ExitCode::kInternal, fmt::format("internal error: {} does not hold ({}:{}); please report it",
                                               condition, file, line));
}

}  // namespace lockstep::detail
