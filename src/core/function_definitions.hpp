#pragma once

#include <cstdint>

#include "core/function_arithmetic.hpp"

/// What lockstep/core/functions.hpp declares, of one double each. Without branches, tables and loops, so that
/// compilers make vector code of a loop over them. Arguments are no subnormal numbers; where a result would
/// be one, it may be anything below the smallest normal number.
namespace lockstep::portable::definition {

constexpr double kInfinity = __builtin_inf();
constexpr double kNan = __builtin_nan("");
constexpr double kLargest = 0x1.fffffffffffffp1023;

// log(2) and π in two parts: the first of log(2) has so few digits that its products with exponents are
// exact.
constexpr double kLog2 = 0x1.62e42fefp-1;
constexpr double kLog2Rest = 0x1.473de6af278edp-34;
constexpr double kPi = 0x1.921fb54442d18p1;
constexpr double kPiRest = 0x1.1a62633145c07p-53;

// The sum of these and a number below 2⁵¹ (of the second: from 0 to 2⁵²) is rounded to a whole number, which
// its lowest bits show.
constexpr double kRounds = 0x1.8p52;
constexpr double kRoundsPositive = 0x1p52;

/// 2ᵏ (1 + value + rest) with |value| <= log(2)/2 + a rounding, |rest| < 0.07.
struct Power {
  double value, rest;
  std::uint64_t k;  ///< in its lowest 12 bits, as two's complement
};

LOCKSTEP_INLINE double growth(const Power& p) { return p.value + p.rest; }

/// exp(x + rest): the nearest power of two, and a polynomial of what is left.
LOCKSTEP_INLINE Power power(double x, double rest) {
  const double rounded = fma(x, 0x1.71547652b82fep0, kRounds);
  const double k = rounded - kRounds;
  const double exact = fma(-k, kLog2, x);
  const double less = fma(k, kLog2Rest, -rest);
  const double r = exact - less;
  const double curve =
      polynomial(r, 0x1p-1, 0x1.5555555555557p-3, 0x1.5555555555552p-5, 0x1.111111111004fp-7,
                 0x1.6c16c16c18933p-10, 0x1.a01a01ac1fd7ep-13, 0x1.a01a0197be3fbp-16, 0x1.71de01a4b962fp-19,
                 0x1.27e500d56095bp-22, 0x1.af4edf5f102b1p-26, 0x1.1f330eb02ed5dp-29);
  return {r, fma(r * r, curve, (exact - r) - less), bits(rounded)};
}

/// 2ᵏ x, by adding to the exponent in its bits.
LOCKSTEP_INLINE double scaled(double x, std::uint64_t k) { return from_bits(bits(x) + (k << 52U)); }

/// exp(x + rest), as long as it is a normal number.
LOCKSTEP_INLINE double normal_exp(double x, double rest) {
  const Power p = power(x, rest);
  const Pair y = fast_sum(1, p.value);
  return scaled(y.value + (y.rest + p.rest), p.k);
}

// Beyond these, exp(x) is infinite, or below the smallest normal number.
constexpr double kHighestExponent = 0x1.62e42fefa39efp9;
constexpr double kLowestExponent = -0x1.6232bdd7abcd2p9;

LOCKSTEP_INLINE double exp(double x) {
  const double y = normal_exp(x, 0);
  return x > kHighestExponent ? kInfinity : x < kLowestExponent ? 0 : y;
}

/// x = 2ᵏ (1 + f) with √½ <= 1 + f < √2, for x > 0.
struct Parts {
  double k, f;
  double inverse;  ///< 2⁻ᵏ, for x < 2⁶⁴
};

LOCKSTEP_INLINE Parts parts(double x) {
  constexpr std::uint64_t kOne = 1023;  // the exponent 0, in the bits of a number
  constexpr std::uint64_t kRootHalf = 0x3fe6a09e667f3bcd;
  const std::uint64_t exponent = (bits(x) + ((kOne << 52U) - kRootHalf)) >> 52U;
  return {.k = from_bits(exponent | bits(kRoundsPositive)) - (kRoundsPositive + kOne),
          .f = from_bits(bits(x) - ((exponent - kOne) << 52U)) - 1,
          .inverse = from_bits((2 * kOne - exponent) << 52U)};
}

/// log(2ᵏ (1 + f + rest)), by log(1 + f) = 2 atanh(s) = f - f²/2 + s (f²/2 + R(s²)) with s = f / (2 + f). The
/// form is that of Sun's fdlibm, the coefficients are not.
LOCKSTEP_INLINE double logarithm(double k, double f, double rest) {
  const double half_square = 0.5 * f * f;
  const double s = f / (2 + f);
  const double z = s * s;
  const double r =
      z * polynomial(z, 0x1.5555555555558p-1, 0x1.9999999995303p-2, 0x1.2492492df3035p-2,
                     0x1.c71c62e0b72cbp-3, 0x1.7462b661a6659p-3, 0x1.39fe212aea87bp-3, 0x1.2b5b8533b7489p-3);
  const double less = half_square - fma(s, half_square + r, fma(k, kLog2Rest, rest));
  return fma(k, kLog2, f - less);
}

LOCKSTEP_INLINE double log(double x) {
  const Parts p = parts(x);
  const double y = logarithm(p.k, p.f, 0);
  return x > 0 ? (x <= kLargest ? y : kInfinity) : x == 0 ? -kInfinity : kNan;
}

LOCKSTEP_INLINE double log1p(double x) {
  const Pair more = sum(1, x);
  const Parts p = parts(more.value);
  const Pair f = fast_sum(p.f, x < 0x1p60 ? more.rest * p.inverse : 0);
  const double y = logarithm(p.k, f.value, f.rest);
  return x > -1 ? (x <= kLargest ? y : kInfinity) : x == -1 ? -kInfinity : kNan;
}

/// m / (m + 2) with m = exp(2 |x|) - 1.
LOCKSTEP_INLINE double tanh(double x) {
  const double twice = 2 * abs(x);
  const Power p = power(twice < 40 ? twice : 40, 0);  // tanh(20) is 1
  const double two_to_k = scaled(1, p.k);
  const Pair rough = fast_sum(two_to_k - 1, two_to_k * p.value);
  const Pair m = fast_sum(rough.value, fma(two_to_k, p.rest, rough.rest));
  const Pair more = sum(m.value, 2);
  const Pair y = quotient(m, {more.value, more.rest + m.rest});
  return with_sign(y.value + y.rest, x);
}

LOCKSTEP_INLINE double logistic(double x) {
  const double e = exp(-abs(x));
  const Pair y = quotient({x < 0 ? e : 1, 0}, fast_sum(1, e));
  return y.value + y.rest;
}

LOCKSTEP_INLINE double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-abs(x))); }

/// exp(y²) erfc(y) for y >= 0, as (1 + u S(u - 1)) / (1 + 2 y) with u = 2 y / (y + 3) and a polynomial S:
/// near the form of Shepherd, Laframboise: Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 <= x < ∞.
/// 1981.
LOCKSTEP_INLINE Pair scaled_erfc(double y) {
  const double u = 2 * y / (y + 3);
  const double s = polynomial(
      u - 1, 0x1.03148b5f9261dp-2, -0x1.8df4cdbd61a93p-2, 0x1.5d40a2324c5a6p-2, -0x1.b0fdddbee47a4p-3,
      0x1.79703b4382858p-4, -0x1.86984b2e0fa79p-6, 0x1.23872148560acp-14, 0x1.426c151dbe8e4p-9,
      -0x1.2b78987c0d611p-11, -0x1.b58ad1d7af3fdp-13, 0x1.b202e1600428fp-14, 0x1.6ac330944dab8p-16,
      -0x1.17b4cd0f420a9p-16, -0x1.cbd8d55e47641p-19, 0x1.6952b869c9f6ap-19, 0x1.9f453a0fb5e82p-21,
      -0x1.bb90dd9e933c8p-22, -0x1.9c26b8976a6edp-23, 0x1.9e07a0f4f91f8p-25, 0x1.620136588453fp-25,
      -0x1.8894892d231c7p-32, -0x1.6e22abf90d162p-28, -0x1.21eaba8edccdp-30);
  const double rounded = fma(u, s, 1);
  return quotient({rounded, fma(u, s, 1 - rounded)}, sum(1, 2 * y));
}

/// (1 + w) g, where w is at most half or so.
LOCKSTEP_INLINE double grown(Pair g, double w) { return g.value + fma(g.value, w, fma(g.rest, w, g.rest)); }

LOCKSTEP_INLINE double erfc(double x) {
  constexpr double kHighest = 0x1.a8b12fc6e4891p4;  // beyond it, the result is subnormal
  const double y = abs(x);
  const Pair square = product(y, y);
  const Power p = power(-square.value, -square.rest);
  const double tail = y > kHighest ? 0 : scaled(grown(scaled_erfc(y), growth(p)), p.k);
  return x < 0 ? 2 - tail : tail;
}

/// Φ(-a) = g exp(-a²/2) / 2 for a >= 0.
struct NormalTail {
  Pair g;
  Power p;
};

LOCKSTEP_INLINE NormalTail normal_tail(double a) {
  constexpr double kRootHalf = 0x1.6a09e667f3bcdp-1;
  constexpr double kRootHalfRest = -0x1.bdd3413b26456p-55;
  constexpr double kSlopeAtZero = 0x1.20dd750429b6dp0;  // 2/√π
  const double y = a * kRootHalf;
  const double y_rest = fma(a, kRootHalf, -y) + a * kRootHalfRest;
  Pair g = scaled_erfc(y);
  g.rest = fma(y_rest, fma(2 * y, g.value, -kSlopeAtZero), g.rest);  // by the function's derivative
  const Pair half_square = product(0.5 * a, a);
  return {g, power(-half_square.value, -half_square.rest)};
}

/// From -a Φ(-a), since the values at a and -a differ by a.
LOCKSTEP_INLINE double gelu(double x) {
  constexpr double kHighest = 0x1.2ced4c5dd8ab4p5;  // beyond it, the tail is subnormal
  const double a = abs(x);
  const NormalTail n = normal_tail(a);
  const double tail = a > kHighest ? 0 : scaled(grown(product({-0.5 * a, 0}, n.g), growth(n.p)), n.p.k);
  const double y = (x > 0 ? x : 0) + tail;
  return a < 0x1p-1000 ? 0.5 * x : y;  // as of the least numbers, the tail is subnormal
}

/// From the slope at -a, Φ(-a) - a Φ'(a), since those at a and -a add up to 1.
LOCKSTEP_INLINE double gelu_slope(double x) {
  constexpr double kHighest = 0x1.2db2ae357ee16p5;
  constexpr double kDensityAtZero = 0x1.9884533d43651p-2;  // 1/√(2π), and what it is more than that
  constexpr double kDensityExcess = 0x1.cbc0d30ebfd15p-56;
  const double a = abs(x);
  const NormalTail n = normal_tail(a);
  const Pair bend = product(a, kDensityAtZero);
  Pair slope = sum(0.5 * n.g.value, -bend.value);
  slope.rest += fma(a, kDensityExcess, fma(0.5, n.g.rest, -bend.rest));
  const double tail = a > kHighest ? 0 : scaled(grown(slope, growth(n.p)), n.p.k);
  return x < 0 ? tail : 1 - tail;
}

/// cos(π r) and sin(π r) with |r| <= 1/4, and the number of quarter turns that were taken off, in the lowest
/// two bits.
struct Turn {
  double cosine, sine;
  std::uint64_t quarters;
};

LOCKSTEP_INLINE Turn turn(double x) {
  const double a = abs(x) < 0x1p53 ? x : 0;  // beyond it are whole turns alone
  const double turns = with_sign((abs(0.5 * a) + kRoundsPositive) - kRoundsPositive, a);
  const double part = fma(-2, turns, a);
  const double rounded = fma(2, part, kRounds);
  const double r = fma(-0.5, rounded - kRounds, part);
  const double z = r * r;
  const double by_sine = polynomial(z, -0x1.4abbce625be52p2, 0x1.466bc6775a45p1, -0x1.32d2cce4fb7eep-1,
                                    0x1.50783201bba85p-4, -0x1.e30275dd9cc15p-8, 0x1.e4a67d6973989p-12);
  const double by_cosine =
      polynomial(z, -0x1.3bd3cc9be45dep2, 0x1.03c1f081b5a24p2, -0x1.55d3c7e3b7b44p0, 0x1.e1f506655d065p-3,
                 -0x1.a6d1d36c2c1bap-6, 0x1.f9b831ebf2608p-10, -0x1.ac38cd531640ep-14);
  return {.cosine = fma(z, by_cosine, 1),
          .sine = r * (kPi + fma(z, by_sine, kPiRest)),
          .quarters = bits(rounded)};
}

/// y, with the other sign where the second lowest bit of `quarters` is set.
LOCKSTEP_INLINE double turned(double y, std::uint64_t quarters) {
  return from_bits(bits(y) ^ ((quarters & 2U) << 62U));
}

LOCKSTEP_INLINE double cos_pi(double x) {
  const Turn t = turn(x);
  const double y = turned((t.quarters & 1U) != 0 ? t.sine : t.cosine, t.quarters + (t.quarters & 1U));
  return abs(x) <= kLargest ? y : kNan;
}

LOCKSTEP_INLINE double sin_pi(double x) {
  const Turn t = turn(x);
  const double y = turned((t.quarters & 1U) != 0 ? t.cosine : t.sine, t.quarters);
  return abs(x) <= kLargest ? y : kNan;
}

/// The logarithm of a positive number to about 2⁻⁶⁵ of its size, by the series of 2 atanh(s) as above, whose
/// first two terms are sums of pairs.
LOCKSTEP_INLINE Pair exact_log(double x) {
  const Parts p = parts(x);
  const Pair denominator = fast_sum(2, p.f);
  const Pair s = quotient({p.f, 0}, denominator);
  const Pair z = product(s, s);
  const double others =
      z.value * polynomial(z.value, 0x1.999999999999ap-2, 0x1.24924924922fcp-2, 0x1.c71c71c74d1cp-3,
                           0x1.745d173c57417p-3, 0x1.3b13aa0342a95p-3, 0x1.11154601f4abdp-3,
                           0x1.e01b9e2a1cd4cp-4, 0x1.da90000729459p-4);
  Pair cubic = fast_sum(0x1.5555555555555p-1, others);  // 2/3 + 2/5 s² + …
  cubic.rest += 0x1.5555555555555p-55;
  const Pair small = product(s, product(z, cubic));
  const Pair large = fast_sum(p.k * kLog2, 2 * s.value);
  const Pair all = fast_sum(large.value, small.value);
  return fast_sum(all.value, all.rest + (large.rest + (fma(p.k, kLog2Rest, 2 * s.rest) + small.rest)));
}

LOCKSTEP_INLINE double pow(double base, double exponent) {
  Pair log_base = exact_log(base);
  if (base == 0) log_base = {-kInfinity, 0};
  if (base > kLargest) log_base = {kInfinity, 0};
  const double p = exponent * log_base.value;
  const double y = normal_exp(p, fma(exponent, log_base.value, -p) + exponent * log_base.rest);
  if (base != base || exponent != exponent || base < 0) return kNan;
  if (base == 1 || exponent == 0) return 1;
  if (p < kLowestExponent) return 0;
  return p > kHighestExponent || !(y <= kLargest) ? kInfinity : y;
}

}  // namespace lockstep::portable::definition
