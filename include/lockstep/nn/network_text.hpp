#pragma once

#include <string_view>

#include "lockstep/nn/network.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Adds the units that `text` describes to `network`:
///
///     network = item {"," item}
///     item    = [label ":"] [N "x"] unit
///     unit    = word {value} | "(" network ")" | "residual(" network ["," "skip(" network ")"] ")"
///               | block {value | parameter=value}
///
/// `blocks` defines further words, one after another, separated by ";":
///
///     block   = word {parameter[=default]} ":" network
///
/// A parameter's name stands for its value wherever it is a word of the block's network. A repeated unit with
/// a label is a group of that label. Errors: text that is none of this (what was expected, and where); those
/// of make_unit and Network.
///
/// `outputs` is what 'linear auto' has; 0: that is not known, and the network can't compute, but say its
/// text.
void add_from_text(Network& network, std::string_view text, std::string_view blocks = {}, Index outputs = 0);

}  // namespace lockstep::inline LOCKSTEP_REAL
