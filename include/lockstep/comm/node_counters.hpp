#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/comm/node_memory.hpp"

namespace lockstep {

/// Numbers that only grow, one set a rank, in memory that the ranks of a node see: how one rank tells the
/// others how far it is. What a rank wrote before `raise` is seen by whoever read the raised number.
/// Waiting spins for some microseconds, then sleeps between looks, so that more ranks than CPUs still make
/// progress.
class NodeCounters {
 public:
  /// `counters` numbers a rank, zero at first. Collective over `node`.
  NodeCounters(Communicator& node, std::size_t counters);

  bool is_shared() const { return memory_.is_shared(); }

  /// Sets this rank's number. Local.
  void raise(std::size_t counter, std::uint64_t value);

  /// Whether `rank`'s number is at least `value`. Local.
  bool reached(int rank, std::size_t counter, std::uint64_t value) const;

  /// Returns when it is.
  void wait(int rank, std::size_t counter, std::uint64_t value);

  /// Returns when all ranks have called it as often as this one. Uses the last counter. Collective.
  void barrier();

  /// Seconds that this rank has spent waiting so far.
  double seconds_waited() const { return seconds_waited_; }

 private:
  // Each on a line of its own, so that raising one does not disturb who looks at another.
  struct alignas(64) Counter {
    std::atomic<std::uint64_t> value;
  };
  Counter& counter(int rank, std::size_t number) const;

  Communicator& node_;
  std::size_t per_rank_;
  NodeMemory memory_;
  std::uint64_t barriers_ = 0;
  double seconds_waited_ = 0;
};

}  // namespace lockstep
