#include "lockstep/nn/shape.hpp"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

Shape::Shape(std::vector<Index> axes) : axes_(std::move(axes)) {
  constexpr std::size_t kMostAxes = 4;
  const bool has_axes = !axes_.empty() && axes_.size() <= kMostAxes &&
                        std::all_of(axes_.begin(), axes_.end(), [](Index axis) { return axis >= 1; });
  const std::optional<Index> size = count_values(axes_);
  if (!has_axes || !size) {
    fail_input("a sample of shape {}: expected one to {} axes of at least 1", to_text(*this), kMostAxes);
  }
  size_ = *size;
}

Shape Shape::of_categories(std::vector<Index> axes, Index categories) {
  Shape shape(std::move(axes));
  if (categories < 1 || categories > kMostCategories) {
    fail_input("a sample of {} categories: expected 1 to {}", categories, kMostCategories);
  }
  shape.categories_ = categories;
  return shape;
}

Shape shape_of(const DatasetDescription& data) {
  return data.categories > 0 ? Shape::of_categories(data.feature_shape, data.categories)
                             : Shape(data.feature_shape);
}

std::optional<Index> count_values(const std::vector<Index>& extents, Index before) {
  Index size = 1;
  for (const Index extent : extents) {
    if (__builtin_mul_overflow(size, extent, &size)) return std::nullopt;
  }
  Index total = 0;
  return __builtin_add_overflow(before, size, &total) ? std::nullopt : std::optional(total);
}

std::string to_text(const Shape& shape) {
  const std::string axes = fmt::format("{}", fmt::join(shape.axes(), " x "));
  return shape.categories() == 0 ? axes : fmt::format("{} of {} categories", axes, shape.categories());
}

}  // namespace lockstep
