#include "nn/bfloat16.hpp"

#include <bit>
#include <cstdint>

#include "core/multiversion.hpp"
#include "lockstep/core/threads.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

LOCKSTEP_MULTIVERSION
void round_all(const Real* values, Index count, std::uint16_t* result) {
  for (Index i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(values[i]));
    constexpr std::uint32_t kInfinity = 0x7f800000;
    constexpr std::uint32_t kQuiet = 0x0040;  // keeps a NaN from becoming an infinity
    // Half of the last place that stays, less a tie's even one, carries into it.
    const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16U) & 1U)) >> 16U;
    const bool is_nan = (bits & 0x7fffffffU) > kInfinity;
    result[i] = static_cast<std::uint16_t>(is_nan ? (bits >> 16U) | kQuiet : rounded);
  }
}

}  // namespace

void to_bfloat16(const Real* values, Index count, Bfloat16* result) {
  static_assert(sizeof(Bfloat16) == sizeof(std::uint16_t));
  round_all(values, count, reinterpret_cast<std::uint16_t*>(result));
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
