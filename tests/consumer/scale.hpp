#pragma once

#include <memory>

#include "lockstep/nn/unit.hpp"

namespace consumer::inline LOCKSTEP_REAL {

/// y = g x, with a learned gain g for each value.
std::unique_ptr<lockstep::Unit> scale();

}  // namespace consumer::inline LOCKSTEP_REAL
