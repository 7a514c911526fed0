#include "lockstep/core/threads.hpp"

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

int available_cpus() {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

namespace detail {

void for_each_part(Index parts, const void* action, void (*call)(const void* action, Index part)) {
  if (threads() == 1 || omp_in_parallel() != 0) {
    for (Index part = 0; part < parts; ++part) call(action, part);
    return;
  }
  // All threads even for one part, so that OpenMP knows the products in it to be one thread's.
#pragma omp parallel for schedule(static) num_threads(threads())
  for (Index part = 0; part < parts; ++part) call(action, part);
}

}  // namespace detail

}  // namespace lockstep
