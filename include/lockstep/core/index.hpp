#pragma once

#include <cstddef>

namespace lockstep {

/// Counts and positions of samples, rows, features and parameters.
using Index = std::ptrdiff_t;

}  // namespace lockstep
