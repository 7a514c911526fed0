#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/config.hpp"

namespace lockstep {

/// Trains `config` for `steps` steps on groups of each of `rank_counts` ranks of `communicator`, and prints
/// how the digests compare, also with `expected`, the weights_digest of another machine, unless it is empty.
/// Ranks outside a group sleep. Collective. Errors: exit code 3 where two rank counts differ, the weights are
/// not those of `expected`, the gradient is not that of the batch in one piece, or nothing is shown: a step
/// was skipped, numbers are not finite, or no step changed the weights; a rank count that was not started;
/// fewer than two different ones where nothing is expected.
void verify(Config config, Communicator& communicator, const std::vector<int>& rank_counts,
            std::uint64_t steps, const std::string& expected);

}  // namespace lockstep
