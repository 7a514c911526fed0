#include "core/output.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <poll.h>
#include <unistd.h>

namespace lockstep {

void Output::write(std::string_view text) {
  kept_ += text;
  finish(-1);
}

void Output::offer(std::string_view text) {
  kept_ += text;
  finish(0);
}

void Output::finish(int milliseconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  std::fflush(stream_);  // what others have written with stdio comes before
  pollfd polled{fileno(stream_), POLLOUT, 0};
  while (!kept_.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    const int ready = poll(&polled, 1, milliseconds < 0 ? -1 : static_cast<int>(std::max<long>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return;
    // What a pipe takes of this size it takes without a wait, once it is ready.
    const ssize_t count = ::write(polled.fd, kept_.data(), std::min<std::size_t>(kept_.size(), PIPE_BUF));
    if (count >= 0) {
      kept_.erase(0, static_cast<std::size_t>(count));
    } else if (errno != EINTR && errno != EAGAIN) {
      error_ = errno;
      kept_.clear();
    }
  }
}

}  // namespace lockstep
