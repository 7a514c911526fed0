#pragma once

#include <atomic>
#include <cstdint>

namespace lockstep {

/// How far a process is, for whoever watches it from another thread or process. Written by its main thread
/// alone.
struct RankStatus {
  std::atomic<std::uint64_t> waits;  ///< for other ranks, begun and ended: odd while in one
  std::atomic<std::uint64_t> steps;  ///< training steps done
  std::atomic<bool> in_step;         ///< in the one after those
  std::atomic<bool> leaves;          ///< its end is its own doing
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "other processes read it");

/// That of this process. Local.
RankStatus& own_status();

/// From here on it stands at `place`, or, for null, where it stood first. Local.
void move_own_status(RankStatus* place);

/// While it lives, this process waits for other ranks.
class Waiting {
 public:
  Waiting() { count(); }
  ~Waiting() { count(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  static void count() {
    std::atomic<std::uint64_t>& waits = own_status().waits;
    waits.store(waits.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

/// While it lives, this process is in the training step after `steps` others.
class InStep {
 public:
  explicit InStep(std::uint64_t steps) {
    own_status().steps.store(steps, std::memory_order_relaxed);
    own_status().in_step.store(true, std::memory_order_relaxed);
  }
  ~InStep() { own_status().in_step.store(false, std::memory_order_relaxed); }
  InStep(const InStep&) = delete;
  InStep& operator=(const InStep&) = delete;

  /// The step is done.
  void done() { own_status().steps.fetch_add(1, std::memory_order_relaxed); }
};

}  // namespace lockstep
