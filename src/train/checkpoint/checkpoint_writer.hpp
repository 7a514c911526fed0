#pragma once

#include <functional>
#include <future>
#include <string>

#include "train/checkpoint/checkpoint_store.hpp"

namespace lockstep {

/// What to say of a checkpoint that could not be written for `reason`.
std::string not_written(const std::string& reason);

/// Writes checkpoints while training goes on, one at a time. What goes wrong is a warning: a run is worth
/// more than its checkpoint. Only one rank has it, and one thread uses it.
class CheckpointWriter {
 public:
  /// Calls `before` ahead of each checkpoint, on the thread that writes.
  CheckpointWriter(CheckpointStore store, std::function<void()> before);

  /// Whether one is still being written. Says, once each, how those that are done have gone.
  bool is_busy();

  /// Waits until none is being written. Returns whether the last one is on the disk.
  bool wait();

  /// Begins to write `checkpoint`, after a wait where one is still being written.
  void write(Checkpoint checkpoint);

 private:
  void finish();
  void take(const std::string& failure);

  CheckpointStore store_;
  std::function<void()> before_;
  std::future<void> writing_;  // its destructor waits
  std::string failure_;        // of the last one; empty: it was written
};

}  // namespace lockstep
