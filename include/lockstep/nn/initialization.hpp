#pragma once

namespace lockstep {

/// How weights start; biases start at zero.
/// - kHe: N(0, 2 / fan_in). He et al.: Delving deep into rectifiers, arXiv 1502.01852, eq. 10.
/// - kGlorot: U(-a, a), a = √(6 / (fan_in + fan_out)). Glorot, Bengio, AISTATS 2010, eq. 16.
/// - kNormal: N(0, 1).
/// - kAuto: He before a rectifying activation, Glorot elsewhere.
enum class Initialization { kAuto, kHe, kGlorot, kNormal };

}  // namespace lockstep
