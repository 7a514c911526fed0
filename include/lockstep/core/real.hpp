#pragma once

/// The namespace of everything that depends on the number type: both may be linked into one program.
#ifdef LOCKSTEP_DOUBLE
#define LOCKSTEP_REAL float64
#else
#define LOCKSTEP_REAL float32
#endif

namespace lockstep::inline LOCKSTEP_REAL {

/// The type of parameters, activations and gradients: float, or double in the build of the same sources that
/// `gradcheck` and the tests against float64 references use.
#ifdef LOCKSTEP_DOUBLE
using Real = double;
inline constexpr const char* kRealName = "F64";
#else
using Real = float;
inline constexpr const char* kRealName = "F32";
#endif

}  // namespace lockstep::inline LOCKSTEP_REAL
