#include "checkpoint_writer.hpp"

#include <chrono>
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
  writing_ = std::async(std::launch::async, [this, moved = std::move(checkpoint)] {
    before_();
    store_.save(moved);
  });
}

/// Takes the result of the one that was written; a failure that repeats itself is said once.
void CheckpointWriter::finish() {
  std::string failure;
  try {
    writing_.get();
  } catch (const std::exception& exception) {
    failure = as_error(exception).what();
  }
  if (!failure.empty() && failure_.empty()) {
    log::warn(not_written(failure));
  }
  if (failure.empty() && !failure_.empty()) log::info("checkpoints are written again");
  failure_ = failure;
}

}  // namespace lockstep
