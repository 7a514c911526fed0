#include "lockstep/core/threads.hpp"

#include <algorithm>
#include <omp.h>
#include <sched.h>

namespace lockstep {

namespace {

int& thread_count() {
  static int count = [] {
    omp_set_num_threads(1);  // by itself OpenMP takes every CPU
    return 1;
  }();
  return count;
}

/// Each thread on one CPU of its own, where the launcher gave this process exactly as many.
void bind_threads(int count) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) != count) return;
#pragma omp parallel num_threads(count)
  {
    int skip = omp_get_thread_num();
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
      cpu_set_t mine;
      CPU_ZERO(&mine);
      CPU_SET(cpu, &mine);
      sched_setaffinity(0, sizeof(mine), &mine);
      break;
    }
  }
}

}  // namespace

void set_threads(int count) {
  if (count == thread_count()) return;
  thread_count() = count;
  omp_set_num_threads(count);
  if (count > 1) bind_threads(count);
}

int threads() { return thread_count(); }

int thread_index() { return omp_get_thread_num(); }

void for_each_part(Index parts, const std::function<void(Index part)>& action) {
  if (parts <= 1 || threads() == 1 || omp_in_parallel() != 0) {
    for (Index part = 0; part < parts; ++part) action(part);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(threads())
  for (Index part = 0; part < parts; ++part) action(part);
}

void for_each_range(Index count, Index grain, const std::function<void(Index first, Index count)>& action) {
  if (count <= grain || threads() == 1) return action(0, count);
  for_each_part((count + grain - 1) / grain, [&](Index part) {
    const Index first = part * grain;
    action(first, std::min(grain, count - first));
  });
}

}  // namespace lockstep
