#pragma once

#include <functional>

#include "lockstep/core/real.hpp"

namespace lockstep {

/// Threads of this process that share loops and matrix products (train.threads); 1 until set. Where the
/// process may run on exactly that many CPUs, each thread stays on one of them. Called outside of loops.
void set_threads(int count);
int threads();

/// Which of the threads the caller is inside a for_each_part, from 0; 0 outside.
int thread_index();

/// Calls action(i) for i = 0 … parts - 1, shared by the threads in contiguous runs; returns when all are
/// done. What an action computes must depend on i alone, so that no result depends on the number of threads.
/// Exceptions must not leave an action. A loop inside a loop is the calling thread's alone.
void for_each_part(Index parts, const std::function<void(Index part)>& action);

/// The same for element-wise work on `count` elements, in parts of at most `grain`: action(first, count).
void for_each_range(Index count, Index grain, const std::function<void(Index first, Index count)>& action);

}  // namespace lockstep
