#pragma once

#include <memory>

#include "lockstep/parallel/gradient_reducer.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Sums by the message library's all-reduce, whose order of additions depends on the number of ranks. Local.
std::unique_ptr<GradientReducer> make_all_reduce_reducer(Communicator& communicator, const Shares& shares);

}  // namespace lockstep::inline LOCKSTEP_REAL
