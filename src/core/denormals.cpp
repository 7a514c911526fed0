#include "core/denormals.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace lockstep {

void flush_denormals() {
#if defined(__SSE2__)
  constexpr unsigned kFlushResults = 0x8000;
  constexpr unsigned kFlushOperands = 0x0040;
  _mm_setcsr(_mm_getcsr() | kFlushResults | kFlushOperands);
#elif defined(__aarch64__)
  constexpr unsigned long kFlush = 1UL << 24U;
  unsigned long control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control | kFlush));
#endif
}

}  // namespace lockstep
