#pragma once

#include <string>

#include "lockstep/core/real.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/nn/safetensors.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Whether weights that a training starts from (model.init = `file`) belong to `data`, as far as both have
/// names of features, classes or targets. Warns of other names. Errors: the same names in another order.
void check_names_of_init(const StoredTensors& weights, const DatasetDescription& data,
                         const std::string& file);

}  // namespace lockstep::inline LOCKSTEP_REAL
