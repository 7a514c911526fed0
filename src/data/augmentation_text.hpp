#pragma once

#include <string>
#include <string_view>

#include "lockstep/data/augmentation.hpp"

namespace lockstep {

/// As augmentation_from_text, into `augmentation`; or returns what was expected instead.
std::string read_augmentation(std::string_view text, Augmentation& augmentation);

}  // namespace lockstep
