#include "lockstep/parallel/agreement.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <string>

#include "lockstep/core/error.hpp"

namespace lockstep {

void together(Communicator& communicator, const std::function<void()>& action) {
  int code = 0;
  std::string message;
  try {
    action();
  } catch (const std::exception& exception) {
    const Error error = as_error(exception);
    code = static_cast<int>(error.code());
    message = error.what();
  }
  const std::vector<int> codes = all_gather(communicator, code);
  const auto failed = std::find_if(codes.begin(), codes.end(), [](int c) { return c != 0; });
  if (failed == codes.end()) return;
  const auto root = static_cast<int>(failed - codes.begin());
  throw Error(static_cast<ExitCode>(*failed), broadcast_text(communicator, message, root));
}

void in_groups(Communicator& world, Communicator& group, const std::function<void()>& action) {
  std::exception_ptr failure;
  try {
    action();
  } catch (const std::exception&) {
    // The program has to end where others wait.
    constexpr double kSecondsToArrive = 5;
    if (!group.idle_barrier(kSecondsToArrive)) throw;
    failure = std::current_exception();
  }
  world.idle_barrier(std::numeric_limits<double>::infinity());
  together(world, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

std::vector<int> ranks_that_differ(Communicator& communicator, const std::string& text) {
  const std::vector<std::string> texts = all_gather_text(communicator, text);
  const auto count = [&](const std::string& t) { return std::count(texts.begin(), texts.end(), t); };
  const std::string& common = *std::max_element(
      texts.begin(), texts.end(), [&](const auto& a, const auto& b) { return count(a) < count(b); });
  std::vector<int> strangers;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    if (texts[static_cast<std::size_t>(rank)] != common) strangers.push_back(rank);
  }
  return strangers;
}

}  // namespace lockstep
