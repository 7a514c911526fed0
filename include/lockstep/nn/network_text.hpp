#pragma once

#include <string_view>
#include <vector>

#include "lockstep/nn/network.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// What a network's text may take from the data.
struct FromData {
  Index outputs = 0;                          ///< of 'linear auto'; 0: that is not known
  std::vector<FeatureRange> categories = {};  ///< the columns of 'embed-categories'
};

/// Those of `data`.
FromData from_data(const DatasetDescription& data);

/// Adds the units that `text` describes to `network`:
///
///     network = item {"," item}
///     item    = [label ":"] [N "x"] unit
///     unit    = word {value} | "(" network ")" | "residual(" network ["," "skip(" network ")"] ")"
///               | "recompute(" network ")"
///               | "concat(" branch "," branch {"," branch} ")" | "add(" branch "," branch {"," branch} ")"
///               | block {value | parameter=value}
///     branch  = [label ":"] ("(" network ")" | block {value | parameter=value})
///
/// `blocks` defines further words, one after another, separated by ";":
///
///     block   = word {parameter[=default]} ":" network
///
/// A parameter's name stands for its value wherever it is a word of the block's network. A repeated unit with
/// a label is a group of that label. Errors: text that is none of this (what was expected, and where); those
/// of make_unit and Network.
///
/// An outline's text may take more from the data than is known, and stays as it is written.
void add_from_text(Network& network, std::string_view text, std::string_view blocks = {},
                   const FromData& data = {});

}  // namespace lockstep::inline LOCKSTEP_REAL
