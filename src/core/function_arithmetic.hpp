#pragma once

#include <cstdint>

/// For all that is compiled for one vector unit: always inline, so that the linker finds no copy that it
/// might take for all processors.
#define LOCKSTEP_INLINE [[gnu::always_inline]] static inline

/// The arithmetic of function_definitions.hpp, and of pairs of doubles with about twice the digits of one.
namespace lockstep::portable::definition {

LOCKSTEP_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
LOCKSTEP_INLINE double abs(double x) { return __builtin_fabs(x); }
LOCKSTEP_INLINE double with_sign(double x, double sign) { return __builtin_copysign(x, sign); }
LOCKSTEP_INLINE std::uint64_t bits(double x) { return __builtin_bit_cast(std::uint64_t, x); }
LOCKSTEP_INLINE double from_bits(std::uint64_t b) { return __builtin_bit_cast(double, b); }

/// c₀ + x c₁ + x² c₂ + …
LOCKSTEP_INLINE double polynomial(double /*x*/, double c) { return c; }
template <typename... Rest>
LOCKSTEP_INLINE double polynomial(double x, double c, Rest... rest) {
  return fma(polynomial(x, rest...), x, c);
}

/// An unevaluated sum.
struct Pair {
  double value, rest;
};

/// a + b exactly, where |a| >= |b| or a = 0 (Dekker 1971).
LOCKSTEP_INLINE Pair fast_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

/// a + b exactly (Knuth 1969).
LOCKSTEP_INLINE Pair sum(double a, double b) {
  const double value = a + b;
  const double from_b = value - a;
  return {value, (a - (value - from_b)) + (b - from_b)};
}

/// a b exactly.
LOCKSTEP_INLINE Pair product(double a, double b) {
  const double value = a * b;
  return {value, fma(a, b, -value)};
}

/// a b without the product of the rests.
LOCKSTEP_INLINE Pair product(Pair a, Pair b) {
  const Pair exact = product(a.value, b.value);
  return {exact.value, exact.rest + fma(a.value, b.rest, a.rest * b.value)};
}

/// a / b, to about twice the digits of a double.
LOCKSTEP_INLINE Pair quotient(Pair a, Pair b) {
  const double inverse = 1 / b.value;
  const double value = a.value * inverse;
  const double left = fma(-value, b.value, a.value) + fma(-value, b.rest, a.rest);
  return {value, left * inverse};
}

}  // namespace lockstep::portable::definition
