#pragma once

#include <string_view>
#include <vector>

namespace lockstep {

/// The vector instructions that loops are compiled for. Which of them a machine has changes its speed alone:
/// a loop has the same bits with all of them.
enum class VectorUnit {
  kGeneric,     ///< none, for processors without the others; slow, as the library makes fused products there
  kNeon,        ///< AArch64
  kAvx2,        ///< x86-64-v3: AVX2 with FMA
  kAvx512,      ///< x86-64-v4: AVX-512 F, BW, CD, DQ and VL
  kAvx512Bf16,  ///< kAvx512 with AVX512_BF16, which multiplies bfloat16; all else is as with kAvx512
};

/// The unit that this process computes with: the widest that the processor has, or the one that the
/// environment variable LOCKSTEP_VECTOR_UNIT names. Errors: a name that is none, or that of a unit which this
/// processor has not. Local.
VectorUnit vector_unit();

/// The units that this processor has, the widest last. Local.
std::vector<VectorUnit> vector_units();

/// From here on this process computes with `unit`, which is one of vector_units(). Outside of loops. Local.
void use_vector_unit(VectorUnit unit);

/// As `lockstep --version` prints it: "avx512".
std::string_view to_text(VectorUnit unit);

/// Returns make.operator()<UNIT>() of this process's unit, with kAvx512 for kAvx512Bf16. What differs between
/// units is made by sources that lockstep_for_vector_units (src/CMakeLists.txt) compiles once for each of
/// those that this kind of processor can have, with LOCKSTEP_UNIT for its name here; such a source includes
/// no header with inline functions that others use too, as the linker keeps one of all copies, for whatever
/// unit that was compiled.
template <typename Make>
decltype(auto) for_vector_unit(const Make& make) {
#if defined(__x86_64__)
  switch (vector_unit()) {
    case VectorUnit::kAvx512:
    case VectorUnit::kAvx512Bf16:
      return make.template operator()<VectorUnit::kAvx512>();
    case VectorUnit::kAvx2:
      return make.template operator()<VectorUnit::kAvx2>();
    default:
      return make.template operator()<VectorUnit::kGeneric>();
  }
#elif defined(__aarch64__)
  return make.template operator()<VectorUnit::kNeon>();
#else
  return make.template operator()<VectorUnit::kGeneric>();
#endif
}

/// The same with kAvx512Bf16 as a unit of its own, for sources that are compiled WITH_BF16.
template <typename Make>
decltype(auto) for_vector_unit_with_bf16(const Make& make) {
#if defined(__x86_64__)
  if (vector_unit() == VectorUnit::kAvx512Bf16) return make.template operator()<VectorUnit::kAvx512Bf16>();
#endif
  return for_vector_unit(make);
}

}  // namespace lockstep
