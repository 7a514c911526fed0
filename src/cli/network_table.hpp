#pragma once

#include <string>
#include <vector>

#include "lockstep/nn/network.hpp"

namespace lockstep {

/// The network as lines of a table: of each unit its position, what it is, the shape of its output for one
/// sample, its parameters, and the multiply-adds of its products in the forward pass of one sample; and the
/// sums. A pure function.
std::vector<std::string> network_table(const Network& network);

}  // namespace lockstep
