// Products of pairs of terms in bfloat16: c becomes fma(x[0], w[0], fma(x[1], w[1], c)), each rounded to the
// nearest float with 24 bits, and what is then smaller than the least normal number is zero. That is the
// instruction VDPBF16PS (Intel: Software Developer's Manual, volume 2), and what other vector units do in
// several steps.

#include "nn/product_kernel.hpp"
#include "nn/vector.hpp"

namespace lockstep {

namespace {

using Pairs = FactorVector<float, Bfloat16Pair>;
using PairsOfDouble = FactorVector<double, Bfloat16Pair>;

constexpr Bfloat16Pair kSecond = 0xffff0000;

#if defined(__AVX512BF16__)

LOCKSTEP_INLINE Vector<float> fused(Pairs a, Pairs b, Vector<float> c) {
  return _mm512_dpbf16_ps(c, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

#else

constexpr float kLeastNormal = 0x1p-126F;
constexpr std::uint32_t kLeastNormalBits = 0x00800000;
constexpr std::uint32_t kNoSign = 0x7fffffff;

/// Whether a lane is not zero, and not above the least normal number.
LOCKSTEP_INLINE bool any_tiny(Vector<float> v) {
  const auto tiny = (reinterpret_cast<Pairs>(v) & kNoSign) - 1U < kLeastNormalBits;
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(tiny)) != 0;
#elif defined(__FMA__)
  return _mm256_movemask_ps(reinterpret_cast<__m256>(tiny)) != 0;
#else
  bool any = false;
  for (int i = 0; i < kLanes<float>; ++i) any |= tiny[i] != 0;
  return any;
#endif
}

float magnitude(float value) { return value < 0 ? -value : value; }

/// `sum` is a b + c, rounded with subnormal numbers.
[[gnu::noinline]] float flush(float a, float b, float c, float sum) {
  const float zero = __builtin_copysignf(0.0F, sum);
  if (magnitude(sum) < kLeastNormal) return zero;
  if (magnitude(sum) > kLeastNormal || sum != sum) return sum;
  // This may have been rounded up from what is less with 24 bits. None of these overflows: c is the sum less
  // a product, and as all of its bits count, it is small too.
  constexpr float kScale = 0x1p64F;
  const bool a_is_less = magnitude(a) < magnitude(b);
  const float scaled = __builtin_fmaf(a_is_less ? a * kScale : a, a_is_less ? b : b * kScale, c * kScale);
  return magnitude(scaled) < kLeastNormal * kScale ? zero : sum;
}

LOCKSTEP_INLINE Vector<float> flushed(Vector<float> a, Vector<float> b, Vector<float> c) {
  Vector<float> sum = fused(a, b, c);
  if (any_tiny(sum)) [[unlikely]] {
    for (int i = 0; i < kLanes<float>; ++i) sum[i] = flush(a[i], b[i], c[i], sum[i]);
  }
  return sum;
}

LOCKSTEP_INLINE Vector<float> first_of(Pairs pairs) { return reinterpret_cast<Vector<float> >(pairs << 16); }
LOCKSTEP_INLINE Vector<float> second_of(Pairs pairs) {
  return reinterpret_cast<Vector<float> >(pairs & kSecond);
}

LOCKSTEP_INLINE Vector<float> fused(Pairs a, Pairs b, Vector<float> c) {
  return flushed(first_of(a), first_of(b), flushed(second_of(a), second_of(b), c));
}

#endif

/// Of float, to double.
LOCKSTEP_INLINE Vector<double> to_double(PairsOfDouble bits) {
  using Floats = float __attribute__((vector_size(sizeof(PairsOfDouble))));
  return __builtin_convertvector(reinterpret_cast<Floats>(bits), Vector<double>);
}

LOCKSTEP_INLINE Vector<double> fused(PairsOfDouble a, PairsOfDouble b, Vector<double> c) {
  return fused(to_double(a << 16), to_double(b << 16),
               fused(to_double(a & kSecond), to_double(b & kSecond), c));
}

}  // namespace

}  // namespace lockstep

#include "nn/product_tile.hpp"

namespace lockstep {

namespace {

// What goes step by step, or serves tests in double alone, needs no large tiles.
#if defined(__AVX512BF16__)
constexpr int kFloatRows = kTileRows;
#else
constexpr int kFloatRows = 4;
#endif
constexpr int kDoubleRows = 2;

constexpr auto kFloat = make_kernel<float, Bfloat16Pair, kFloatRows>();
constexpr auto kDouble = make_kernel<double, Bfloat16Pair, kDoubleRows>();

}  // namespace

template <>
const ProductKernel<float, Bfloat16Pair>& product_kernel_of<float, Bfloat16Pair, LOCKSTEP_UNIT>() {
  return kFloat;
}
template <>
const ProductKernel<double, Bfloat16Pair>& product_kernel_of<double, Bfloat16Pair, LOCKSTEP_UNIT>() {
  return kDouble;
}

}  // namespace lockstep
