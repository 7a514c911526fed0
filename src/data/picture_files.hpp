#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// Decodes pictures `first` and after of `files`, the files of all of description.samples, into `bytes`,
/// which tells how many: in the size and channels of description.feature_shape, as DatasetDescription says.
/// What comes out of a file depends on nothing else. Errors: see decode_picture; those of the first file that
/// has some.
void read_pictures(std::span<const std::string> files, const DatasetDescription& description, Index first,
                   std::span<std::uint8_t> bytes);

}  // namespace lockstep
