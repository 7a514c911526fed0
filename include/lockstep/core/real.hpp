#pragma once

#include <cstddef>

namespace lockstep {

/// The type of parameters, activations and gradients: float, or double in the build of the same sources that
/// `gradcheck` and the tests against float64 references use.
#ifdef LOCKSTEP_DOUBLE
using Real = double;
inline constexpr const char* kRealName = "F64";
#else
using Real = float;
inline constexpr const char* kRealName = "F32";
#endif

/// Counts and positions of samples, rows, features and parameters.
using Index = std::ptrdiff_t;

}  // namespace lockstep
