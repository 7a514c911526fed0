#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// The shape of one sample where it passes from one unit to the next: {features} of a table, {height, width}
/// of a picture.
class Shape {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a number of features is a shape
  Shape(Index features) : Shape(std::vector<Index>{features}) {}
  /// One to four axes. Errors: an axis below 1, no axis or more than four.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Shape(std::vector<Index> axes);

  const std::vector<Index>& axes() const { return axes_; }
  /// The values of one sample.
  Index size() const { return size_; }
  bool operator==(const Shape&) const = default;

 private:
  std::vector<Index> axes_;
  Index size_ = 1;
};

/// `before` and the values of a tensor with these extents; nothing where that is more than an Index counts.
std::optional<Index> count_values(const std::vector<Index>& extents, Index before = 0);

/// "28 x 28".
std::string to_text(const Shape& shape);

}  // namespace lockstep
