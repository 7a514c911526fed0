#include "train/checkpoint/checkpointing.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

bool Checkpointing::is_due(std::uint64_t step) {
  if (!writer_) return false;
  const bool busy = writer_->is_busy();
  const std::chrono::duration<double, std::ratio<60>> minutes = Clock::now() - last_;
  const bool due = (config_.every > 0 && step % config_.every == 0) ||
                   (config_.minutes > 0 && minutes.count() >= config_.minutes);
  if (!due || !busy) return due;
  if (!std::exchange(said_busy_, true)) {
    log::warn(
        fmt::format("lockstep: no checkpoint of step {}: the one before is still being written; is the disk "
                    "slow? Raise checkpoint.every",
                    step));
  }
  return false;
}

Checkpointing::Verdict Checkpointing::agree(std::uint64_t step, int signal) {
  constexpr unsigned kDue = 0x80;  // above all signals
  const auto mine = static_cast<std::uint8_t>(static_cast<unsigned>(signal) | (is_due(step) ? kDue : 0U));
  Verdict verdict;
  for (const std::uint8_t flags : all_gather(communicator_, mine)) {
    verdict.stop_signal = std::max(verdict.stop_signal, static_cast<int>(flags & ~kDue));
    verdict.is_due = verdict.is_due || (flags & kDue) != 0;
  }
  return verdict;
}

void Checkpointing::write(const std::function<Checkpoint()>& snapshot) {
  if (writer_) writer_->wait();
  last_ = Clock::now();
  Checkpoint checkpoint;
  try {
    checkpoint = snapshot();
  } catch (const Error& error) {
    if (writer_ && has_room_) log::warn(not_written(error.what()));
    has_room_ = false;
    return;
  }
  has_room_ = true;
  has_any_ = true;
  if (writer_) writer_->write(std::move(checkpoint));
}

}  // namespace lockstep
