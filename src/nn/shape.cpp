#include "lockstep/nn/shape.hpp"

#include <utility>

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

Shape::Shape(std::vector<Index> axes) : axes_(std::move(axes)) {
  constexpr std::size_t kMostAxes = 4;
  bool fits = !axes_.empty() && axes_.size() <= kMostAxes;
  for (const Index axis : axes_) fits = fits && axis >= 1 && !__builtin_mul_overflow(size_, axis, &size_);
  if (!fits) {
    fail_input("a sample of shape {}: expected one to {} axes of at least 1", to_text(*this), kMostAxes);
  }
}

std::string to_text(const Shape& shape) { return fmt::format("{}", fmt::join(shape.axes(), " x ")); }

}  // namespace lockstep
