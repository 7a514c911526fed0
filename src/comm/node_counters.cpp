#include "lockstep/comm/node_counters.hpp"

#include "core/backoff.hpp"
#include "core/rank_status.hpp"
#include "lockstep/core/stopwatch.hpp"

namespace lockstep {

NodeCounters::NodeCounters(Communicator& node, std::size_t counters)
    : node_(node),
      per_rank_(counters + 1),
      memory_(node, per_rank_ * static_cast<std::size_t>(node.size()) * sizeof(Counter)) {
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "the numbers are shared between processes");
}

NodeCounters::Counter& NodeCounters::counter(int rank, std::size_t number) const {
  return reinterpret_cast<Counter*>(
      memory_.bytes().data())[static_cast<std::size_t>(rank) * per_rank_ + number];
}

void NodeCounters::raise(std::size_t number, std::uint64_t value) {
  counter(node_.rank(), number).value.store(value, std::memory_order_release);
}

bool NodeCounters::reached(int rank, std::size_t number, std::uint64_t value) const {
  return counter(rank, number).value.load(std::memory_order_acquire) >= value;
}

void NodeCounters::wait(int rank, std::size_t number, std::uint64_t value) {
  if (reached(rank, number, value)) return;
  const Waiting waiting;
  Stopwatch watch;
  for (Backoff backoff; !reached(rank, number, value);) backoff.pause();
  seconds_waited_ += watch.lap();
}

void NodeCounters::barrier() {
  const std::size_t number = per_rank_ - 1;
  raise(number, ++barriers_);
  for (int rank = 0; rank < node_.size(); ++rank) wait(rank, number, barriers_);
}

}  // namespace lockstep
