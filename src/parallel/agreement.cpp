#include "lockstep/parallel/agreement.hpp"

#include <algorithm>
#include <string>

#include "lockstep/core/error.hpp"

namespace lockstep {

void together(Communicator& communicator, const std::function<void()>& action) {
  int code = 0;
  std::string message;
  try {
    action();
  } catch (const Error& error) {
    code = static_cast<int>(error.code());
    message = error.what();
  } catch (const std::exception& error) {
    code = static_cast<int>(ExitCode::kInternal);
    message = fmt::format("internal error: {}; please report it", error.what());
  }
  const std::vector<int> codes = all_gather(communicator, code);
  const auto failed = std::find_if(codes.begin(), codes.end(), [](int c) { return c != 0; });
  if (failed == codes.end()) return;
  const auto root = static_cast<int>(failed - codes.begin());
  throw Error(static_cast<ExitCode>(*failed), broadcast_text(communicator, message, root));
}

}  // namespace lockstep
