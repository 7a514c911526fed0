#include "nn/bfloat16.hpp"

#include <bit>
#include <cstdint>

#include "core/multiversion.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// The bits of the nearest bfloat16.
inline std::uint32_t rounded(Real value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  constexpr std::uint32_t kInfinity = 0x7f800000;
  constexpr std::uint32_t kQuiet = 0x0040;  // keeps a NaN from becoming an infinity
  // Half of the last place that stays, less a tie's even one, carries into it.
  const std::uint32_t nearest = (bits + 0x7fff + ((bits >> 16U) & 1U)) >> 16U;
  const bool is_nan = (bits & 0x7fffffffU) > kInfinity;
  return is_nan ? (bits >> 16U) | kQuiet : nearest;
}

inline Real value_of_bits(std::uint32_t bits) { return static_cast<Real>(std::bit_cast<float>(bits << 16U)); }

LOCKSTEP_MULTIVERSION
void round_all(const Real* values, Index count, std::uint16_t* result) {
  for (Index i = 0; i < count; ++i) result[i] = static_cast<std::uint16_t>(rounded(values[i]));
}

LOCKSTEP_MULTIVERSION
void widen_all(const std::uint16_t* values, Index count, Real* result) {
  for (Index i = 0; i < count; ++i) result[i] = value_of_bits(values[i]);
}

}  // namespace

LOCKSTEP_MULTIVERSION
void round_to_bfloat16(Real* values, Index count) {
  for (Index i = 0; i < count; ++i) values[i] = value_of_bits(rounded(values[i]));
}

LOCKSTEP_MULTIVERSION
void add_rounded_to_bfloat16(Real* sum, const Real* values, Index count) {
  for (Index i = 0; i < count; ++i) sum[i] = value_of_bits(rounded(sum[i] + values[i]));
}

void to_bfloat16(const Real* values, Index count, Bfloat16* result) {
  static_assert(sizeof(Bfloat16) == sizeof(std::uint16_t));
  round_all(values, count, reinterpret_cast<std::uint16_t*>(result));
}

void from_bfloat16(const Bfloat16* values, Index count, Real* result) {
  widen_all(reinterpret_cast<const std::uint16_t*>(values), count, result);
}

void Bfloat16Matrix::assign(ConstMatrixView values) {
  rows_ = values.rows();
  columns_ = values.cols();
  if (values_.size() < static_cast<std::size_t>(values.size()))
    values_.resize(static_cast<std::size_t>(values.size()));
  constexpr Index kGrain = Index{1} << 16U;
  for_each_range(values.size(), kGrain, [&](Index first, Index count) {
    to_bfloat16(values.data() + first, count, values_.data() + first);
  });
}

}  // namespace lockstep::inline LOCKSTEP_REAL
