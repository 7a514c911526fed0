#include "core/output.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace lockstep {

void Output::write(std::string_view text) {
  kept_ += text;
  flush(-1);
}

void Output::offer(std::string_view text) {
  kept_ += text;
  flush(0);
}

void Output::flush(int milliseconds) {
  using Clock = std::chrono::steady_clock;
  const bool is_limited = milliseconds >= 0;
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  std::fflush(stream_);  // what others have written with stdio comes before
  pollfd polled{fileno(stream_), POLLOUT, 0};
  while (keeps()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    const int ready = poll(&polled, 1, is_limited ? static_cast<int>(std::max<long>(left, 0)) : -1);
    if (ready == 0) return;
    if (ready < 0 && errno == EINTR) continue;
    // What can't be waited for, as where no file may be open, can still be written.
    const std::string_view piece = next_piece();
    const ssize_t count = ::write(polled.fd, piece.data(), piece.size());
    if (count >= 0) {
      begin_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {  // the room is smaller than the piece
      if (is_limited && left <= 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } else if (errno != EINTR) {
      error_ = errno;
      begin_ = kept_.size();
    }
  }
  kept_.clear();
  begin_ = 0;
}

/// What a pipe takes of this size it takes without a wait, once it is ready; whole lines, so that those of
/// another stream may stand between.
std::string_view Output::next_piece() const {
  const std::string_view rest = std::string_view(kept_).substr(begin_);
  if (rest.size() <= PIPE_BUF) return rest;
  const std::size_t line_end = rest.rfind('\n', PIPE_BUF - 1);
  return rest.substr(0, line_end == std::string_view::npos ? PIPE_BUF : line_end + 1);
}

}  // namespace lockstep
