#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"
#include "train/checkpoint/checkpoint_writer.hpp"

namespace lockstep {

/// When checkpoints are due, and that all ranks know it: rank 0 has the clock and the disk.
class Checkpointing {
 public:
  explicit Checkpointing(const Config::Checkpoint& config, Communicator& communicator)
      : config_(config), communicator_(communicator) {}

  /// Gives rank 0, and only that, what writes.
  void open(CheckpointStore store, std::function<void()> before) {
    writer_.emplace(std::move(store), std::move(before));
  }

  /// What the ranks do after a step.
  struct Verdict {
    int stop_signal = 0;  ///< of the rank with the largest, or 0
    bool is_due = false;  ///< a checkpoint, by steps or time
  };

  /// Agrees on it: `signal` is this rank's request to stop, or 0. A checkpoint that falls due while another
  /// is still being written is left out, and the first time that is reported. One byte a rank. Collective.
  Verdict agree(std::uint64_t step, int signal);

  /// Writes what `snapshot`, a collective, gives rank 0; training goes on meanwhile. Waits for the one
  /// before, so that no more than one is in memory. Where `snapshot` fails, on all ranks, for want of memory,
  /// that is a warning too. Collective.
  void write(const std::function<Checkpoint()>& snapshot);

  /// The run goes on from one. Called on every rank.
  void resume() { has_any_ = true; }

  /// Whether the run has one, or has begun one. The same on every rank.
  bool has_any() const { return has_any_; }

  /// Whether it has, or wants them by steps: then the last step has one too. The same on every rank.
  bool is_in_use() const { return config_.every > 0 || has_any_; }

  /// Waits for what is being written; whether the last one is on the disk. For rank 0.
  bool wait() { return writer_->wait() && has_room_; }

 private:
  bool is_due(std::uint64_t step);

  using Clock = std::chrono::steady_clock;

  Config::Checkpoint config_;
  Communicator& communicator_;
  std::optional<CheckpointWriter> writer_;  // rank 0 alone
  Clock::time_point last_ = Clock::now();
  bool has_any_ = false;
  bool said_busy_ = false;
  bool has_room_ = true;  // for the last one, in memory
};

}  // namespace lockstep
