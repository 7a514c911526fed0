#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lockstep/core/index.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// The shape of one sample where it passes from one unit to the next: {features} of a table, {height, width}
/// of a picture; and what its values are, real numbers or the numbers of categories, as of a text's words.
class Shape {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a number of features is a shape
  Shape(Index features) : Shape(std::vector<Index>{features}) {}
  /// One to four axes. Errors: an axis below 1, no axis or more than four.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Shape(std::vector<Index> axes);

  /// Of values that are whole numbers from 0 to `categories` - 1. Errors: fewer than 1, or more than
  /// kMostCategories; those of the axes.
  static Shape of_categories(std::vector<Index> axes, Index categories);

  const std::vector<Index>& axes() const { return axes_; }
  /// The values of one sample.
  Index size() const { return size_; }
  /// How many categories the values number; 0 where they are real numbers.
  Index categories() const { return categories_; }
  bool operator==(const Shape&) const = default;

 private:
  std::vector<Index> axes_;
  Index size_ = 1;
  Index categories_ = 0;
};

/// That of a sample of these data.
Shape shape_of(const DatasetDescription& data);

/// `before` and the values of a tensor with these extents; nothing where that is more than an Index counts.
std::optional<Index> count_values(const std::vector<Index>& extents, Index before = 0);

/// "28 x 28", or "16 of 128 categories".
std::string to_text(const Shape& shape);

}  // namespace lockstep
