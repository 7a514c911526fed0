#include "train/checkpoint/checkpoint_writer.hpp"

#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

std::string not_written(const std::string& reason) {
  return fmt::format("lockstep: checkpoint not written: {}; the run goes on and tries again at the next one",
                     reason);
}

CheckpointWriter::CheckpointWriter(CheckpointStore store, std::function<void()> before)
    : store_(std::move(store)), before_(std::move(before)) {}

bool CheckpointWriter::is_busy() {
  if (!writing_.valid()) return false;
  if (writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return true;
  finish();
  return false;
}

bool CheckpointWriter::wait() {
  if (writing_.valid()) finish();
  return failure_.empty();
}

void CheckpointWriter::write(Checkpoint checkpoint) {
  wait();
  try {
    writing_ = std::async(std::launch::async, [this, moved = std::move(checkpoint)] {
      before_();
      store_.save(moved);
    });
  } catch (const std::system_error&) {
    take("no thread could be started for it; check the limits of processes");
  }
}

void CheckpointWriter::finish() {
  try {
    writing_.get();
    take("");
  } catch (const std::exception& exception) {
    take(as_error(exception).what());
  }
}

/// Takes the result of the one that was written, empty if that is good; a failure that repeats itself is
/// reported once.
void CheckpointWriter::take(const std::string& failure) {
  if (!failure.empty() && failure_.empty()) {
    log::warn(not_written(failure));
  }
  if (failure.empty() && !failure_.empty()) log::info("checkpoints are written again");
  failure_ = failure;
}

}  // namespace lockstep
