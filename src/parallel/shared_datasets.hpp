#pragma once

#include <functional>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// The data sets that `read` returns, one copy a node: one rank of each node reads, the others see its
/// memory; pictures in files are decoded by all ranks of the node, a part each. Collective. Errors: those of
/// `read` and of make_dataset, on every rank.
std::vector<Dataset> share_datasets(Communicator& communicator,
                                    const std::function<std::vector<DatasetContent>()>& read);

}  // namespace lockstep
