#pragma once

#include <span>
#include <string>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Where the values of one picture stand in an array: its sides, and how far apart neighbours are.
struct PictureLayout {
  Index height = 0;
  Index width = 0;
  Index channels = 1;
  Index row_step = 0;
  Index column_step = 0;
  Index channel_step = 0;

  /// As in DatasetDescription.
  std::vector<Index> feature_shape() const;
  /// Whether the values stand row by row, channels last, as in DatasetDescription.
  bool is_in_order() const;
  /// Of the picture whose rows are this one's columns.
  PictureLayout transposed() const;
};

/// That of an array of sizes[0] pictures, in grey where it has three axes. Of four, the second or the last is
/// the channels, whichever is small, up to 4: no format says which. Errors, with `file`: both or neither are.
PictureLayout layout_of(const std::string& file, std::span<const Index> sizes);

/// Puts the values of each picture into the order of DatasetDescription: row by row, channels last.
template <typename Value>
void put_in_order(const PictureLayout& layout, std::vector<Value>& values);

}  // namespace lockstep
