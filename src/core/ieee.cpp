#include "core/ieee.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace lockstep {

void use_ieee_arithmetic() {
#if defined(__SSE2__)
  constexpr unsigned kFlushOperands = 0x0040;
  constexpr unsigned kRounding = 0x6000;
  constexpr unsigned kFlushResults = 0x8000;
  _mm_setcsr(_mm_getcsr() & ~(kFlushOperands | kRounding | kFlushResults));
#elif defined(__aarch64__)
  constexpr unsigned long kRounding = 3UL << 22U;
  constexpr unsigned long kFlush = 1UL << 24U;
  unsigned long control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control & ~(kRounding | kFlush)));
#endif
}

}  // namespace lockstep
