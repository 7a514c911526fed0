#pragma once

#include <string>

#include "lockstep/nn/safetensors.hpp"
#include "lockstep/train/config.hpp"

namespace lockstep {

/// Errors: settings that contradict what `weights` from `file` say of themselves. Local.
void check_agreement(const StoredTensors& weights, const std::string& file, const Config& config,
                     const GivenValues& given);

}  // namespace lockstep
