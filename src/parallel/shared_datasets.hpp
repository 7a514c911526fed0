#pragma once

#include <functional>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Who reads data: one rank of each node, or rank 0 for all nodes, as of its standard input.
enum class Readers { kOneOfEachNode, kRankZero };

/// The data sets that `read` returns, one copy a node, whose memory all of its ranks see. `readers` call
/// `read`; pictures in files are decoded by all ranks of the node, a part each. Collective. Errors: those of
/// `read` and of make_dataset, on every rank.
std::vector<Dataset> share_datasets(Communicator& communicator,
                                    const std::function<std::vector<DatasetContent>()>& read,
                                    Readers readers = Readers::kOneOfEachNode);

}  // namespace lockstep
