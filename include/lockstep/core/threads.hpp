#pragma once

#include <algorithm>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Threads of this process that share loops and matrix products; 1 until set. Where the process may run on
/// exactly that many CPUs, each thread stays on one of them. Called outside of loops.
void set_threads(int count);
int threads();

/// CPUs that this process may run on.
int available_cpus();

/// Which of the threads the caller is inside a for_each_part, from 0; 0 outside.
int thread_index();

namespace detail {
void for_each_part(Index parts, const void* action, void (*call)(const void* action, Index part));
}

/// Calls action(i) for i = 0 … parts - 1, shared by the threads in contiguous runs; returns when all are
/// done. What an action computes must depend on i alone, so that no result depends on the number of threads.
/// Exceptions must not leave an action. A loop inside a loop, and a matrix product inside one, is the calling
/// thread's alone. Allocates nothing.
template <typename Action>
void for_each_part(Index parts, const Action& action) {
  detail::for_each_part(parts, &action,
                        [](const void* a, Index part) { (*static_cast<const Action*>(a))(part); });
}

/// The same for element-wise work on `count` elements, in parts of at most `grain`: action(first, count).
template <typename Action>
void for_each_range(Index count, Index grain, const Action& action) {
  if (count <= grain || threads() == 1) {
    action(Index{0}, count);
    return;
  }
  for_each_part((count + grain - 1) / grain, [&](Index part) {
    const Index first = part * grain;
    action(first, std::min(grain, count - first));
  });
}

}  // namespace lockstep
