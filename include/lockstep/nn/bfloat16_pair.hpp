#pragma once

#include <cstdint>

namespace lockstep {

/// Two neighbouring terms of a sum of products in bfloat16, the first in the lower half. A term that has no
/// neighbour is with +0.
using Bfloat16Pair = std::uint32_t;

}  // namespace lockstep
