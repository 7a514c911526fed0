#pragma once

#include <cmath>
#include <limits>

namespace lockstep {

/// `value`, or 0 where it is below the smallest normal number. For what is kept from step to step and decays:
/// the momentum of a weight whose gradient has become 0 would otherwise never come to its end, and processors
/// take up to a hundred times as long for such numbers. (All other arithmetic is that of IEEE 754, in which
/// subnormal numbers are numbers.)
template <typename T>
T flushed(T value) {
  return std::abs(value) < std::numeric_limits<T>::min() ? T(0) : value;
}

}  // namespace lockstep
