#pragma once

#include <optional>

#include "data/picture_layout.hpp"
#include "data/stored_array.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// Takes an array of type u1, f4 or f8 for the features of content.description.samples samples, which are of
/// the description's storage, pictures in the order of `layout` or rows of a table. What is large and stands
/// in a file as it would in memory is mapped; of everything else, what is too much for memory goes to
/// `scratch`. Errors: those of the array, and of the scratch folder.
void take_array_features(StoredArray& array, const std::optional<PictureLayout>& layout,
                         const Scratch& scratch, DatasetContent& content);

}  // namespace lockstep
