#pragma once

// For sources that are compiled once for each vector unit (core/vector_unit.hpp): its vectors, in the
// compilers' own types, which add, multiply and subtract by the usual operators. No other source includes
// this.

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace lockstep {

namespace {

#define LOCKSTEP_INLINE [[gnu::always_inline]] inline

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__FMA__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <typename T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using Type = float __attribute__((vector_size(kVectorBytes)));
  using Lanes = int __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VectorOf<double> {
  using Type = double __attribute__((vector_size(kVectorBytes)));
  using Lanes = long long __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VectorOf<std::uint32_t> {
  using Type = std::uint32_t __attribute__((vector_size(kVectorBytes)));
  using Lanes = int __attribute__((vector_size(kVectorBytes)));
};
template <typename T>
using Vector = typename VectorOf<T>::Type;
template <typename T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

/// One factor for each lane of a Vector<T>.
template <typename T, typename Factor>
struct FactorVectorOf;
template <typename T>
struct FactorVectorOf<T, T> {
  using Type = Vector<T>;
};
template <>
struct FactorVectorOf<float, std::uint32_t> {
  using Type = Vector<std::uint32_t>;
};
template <>
struct FactorVectorOf<double, std::uint32_t> {
  using Type = std::uint32_t __attribute__((vector_size(kVectorBytes / 2)));
};
template <typename T, typename Factor>
using FactorVector = typename FactorVectorOf<T, Factor>::Type;

template <typename V, typename T>
LOCKSTEP_INLINE V load_as(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof(v));
  return v;
}
template <typename T>
LOCKSTEP_INLINE Vector<T> load(const T* from) {
  return load_as<Vector<T>>(from);
}
template <typename T>
LOCKSTEP_INLINE void store(T* to, Vector<T> v) {
  __builtin_memcpy(to, &v, sizeof(v));
}
/// The first `count` lanes; the others are +0, and their memory is not touched.
template <typename T>
LOCKSTEP_INLINE Vector<T> load_first(const T* from, int count);
template <typename T>
LOCKSTEP_INLINE void store_first(T* to, Vector<T> v, int count);

#if defined(__AVX512F__)
template <>
LOCKSTEP_INLINE Vector<float> load_first(const float* from, int count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from);
}
template <>
LOCKSTEP_INLINE Vector<double> load_first(const double* from, int count) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1), from);
}
template <>
LOCKSTEP_INLINE Vector<std::uint32_t> load_first(const std::uint32_t* from, int count) {
  return reinterpret_cast<Vector<std::uint32_t>>(
      _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << count) - 1), from));
}
template <>
LOCKSTEP_INLINE void store_first(std::uint32_t* to, Vector<std::uint32_t> v, int count) {
  _mm512_mask_storeu_epi32(to, static_cast<__mmask16>((1U << count) - 1), reinterpret_cast<__m512i>(v));
}
template <>
LOCKSTEP_INLINE void store_first(float* to, Vector<float> v, int count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), v);
}
template <>
LOCKSTEP_INLINE void store_first(double* to, Vector<double> v, int count) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), v);
}
#elif defined(__FMA__)
/// All bits of the first `count` lanes.
LOCKSTEP_INLINE __m256i first_of_8(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
LOCKSTEP_INLINE __m256i first_of_4(int count) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
template <>
LOCKSTEP_INLINE Vector<float> load_first(const float* from, int count) {
  return _mm256_maskload_ps(from, first_of_8(count));
}
template <>
LOCKSTEP_INLINE Vector<double> load_first(const double* from, int count) {
  return _mm256_maskload_pd(from, first_of_4(count));
}
template <>
LOCKSTEP_INLINE Vector<std::uint32_t> load_first(const std::uint32_t* from, int count) {
  return reinterpret_cast<Vector<std::uint32_t>>(
      _mm256_maskload_epi32(reinterpret_cast<const int*>(from), first_of_8(count)));
}
template <>
LOCKSTEP_INLINE void store_first(std::uint32_t* to, Vector<std::uint32_t> v, int count) {
  _mm256_maskstore_epi32(reinterpret_cast<int*>(to), first_of_8(count), reinterpret_cast<__m256i>(v));
}
template <>
LOCKSTEP_INLINE void store_first(float* to, Vector<float> v, int count) {
  _mm256_maskstore_ps(to, first_of_8(count), v);
}
template <>
LOCKSTEP_INLINE void store_first(double* to, Vector<double> v, int count) {
  _mm256_maskstore_pd(to, first_of_4(count), v);
}
#else
template <typename T>
LOCKSTEP_INLINE Vector<T> load_first(const T* from, int count) {
  Vector<T> v{};
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < count) v[i] = from[i];
  }
  return v;
}
template <typename T>
LOCKSTEP_INLINE void store_first(T* to, Vector<T> v, int count) {
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < count) to[i] = v[i];
  }
}
#endif

template <typename V, typename T>
LOCKSTEP_INLINE V all_lanes(T value) {
  return value - V{};
}

/// a b + c, rounded once.
#if defined(__AVX512F__)
LOCKSTEP_INLINE __m512 fused(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
LOCKSTEP_INLINE __m512d fused(__m512d a, __m512d b, __m512d c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__FMA__)
LOCKSTEP_INLINE __m256 fused(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
LOCKSTEP_INLINE __m256d fused(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__ARM_NEON)
LOCKSTEP_INLINE float32x4_t fused(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
LOCKSTEP_INLINE float64x2_t fused(float64x2_t a, float64x2_t b, float64x2_t c) { return vfmaq_f64(c, a, b); }
#else
LOCKSTEP_INLINE Vector<float> fused(Vector<float> a, Vector<float> b, Vector<float> c) {
  for (int i = 0; i < kLanes<float>; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
}
LOCKSTEP_INLINE Vector<double> fused(Vector<double> a, Vector<double> b, Vector<double> c) {
  for (int i = 0; i < kLanes<double>; ++i) c[i] = __builtin_fma(a[i], b[i], c[i]);
  return c;
}
#endif

/// The lanes of a and b, one after the other, that have these numbers.
template <typename T, int... kNumber>
LOCKSTEP_INLINE Vector<T> pick(Vector<T> a, Vector<T> b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, kNumber...);
#else
  using Lanes = typename VectorOf<T>::Lanes;
  constexpr Lanes kNumbers = {kNumber...};
  return __builtin_shuffle(a, b, kNumbers);
#endif
}

/// Half of a row, and half of the row `step` further: lanes with bit `step` of one change places with lanes
/// without it of the other.
template <typename T, int kStep, int... kLane>
LOCKSTEP_INLINE void exchange_halves(Vector<T>& a, Vector<T>& b,
                                     std::integer_sequence<int, kLane...> /*lanes*/) {
  const Vector<T> lower = pick<T, ((kLane & kStep) != 0 ? kLanes<T> + kLane - kStep : kLane)...>(a, b);
  b = pick<T, ((kLane & kStep) != 0 ? kLanes<T> + kLane : kLane + kStep)...>(a, b);
  a = lower;
}

/// Transposes the square matrix of these rows.
template <typename T, int kStep = 1>
LOCKSTEP_INLINE void transpose(Vector<T> (&rows)[kLanes<T>]) {
#pragma GCC unroll 16
  for (int row = 0; row < kLanes<T>; ++row) {
    if ((row & kStep) == 0)
      exchange_halves<T, kStep>(rows[row], rows[row + kStep], std::make_integer_sequence<int, kLanes<T>>());
  }
  if constexpr (2 * kStep < kLanes<T>) transpose<T, 2 * kStep>(rows);
}

}  // namespace

}  // namespace lockstep
