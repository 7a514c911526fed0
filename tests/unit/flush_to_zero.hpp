#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace lockstep::test {

/// Has this thread, and those that it starts, take numbers below the smallest normal one for zero, as
/// programs do of which some part was compiled with -ffast-math.
inline void flush_to_zero() {
#if defined(__SSE2__)
  _mm_setcsr(_mm_getcsr() | 0x8040U);
#elif defined(__aarch64__)
  unsigned long control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control | 1UL << 24U));
#endif
}

}  // namespace lockstep::test
