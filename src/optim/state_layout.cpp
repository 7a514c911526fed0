#include "lockstep/optim/state_layout.hpp"

#include <algorithm>

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/shape.hpp"

namespace lockstep {

StateLayout::StateLayout(const ParameterLayout& layout) {
  for (const ParameterTensor& tensor : layout.tensors()) add(tensor, tensor.shape);
}

ParameterRange StateLayout::add(const ParameterTensor& tensor, const std::vector<Index>& shape) {
  LOCKSTEP_CHECK(parts_.empty() || parts_.back().parameters.offset < tensor.range.offset);
  const std::optional<Index> end = count_values(shape, size_);
  if (!end) {
    fail_input("{}: what the optimizer keeps for it, [{}], is more than can be counted; make it smaller",
               tensor.name, fmt::join(shape, " x "));
  }
  const ParameterRange range{size_, *end - size_};
  parts_.push_back({.tensor = tensor.name, .shape = shape, .parameters = tensor.range, .range = range});
  size_ = *end;
  return range;
}

ParameterRange StateLayout::range_of(ParameterRange parameters) const {
  const Index first = position_of(parameters.offset);
  return {first, position_of(parameters.offset + parameters.size) - first};
}

/// How many values belong to parameters before `parameter`.
Index StateLayout::position_of(Index parameter) const {
  const auto after = std::partition_point(
      parts_.begin(), parts_.end(), [&](const Part& part) { return part.parameters.offset < parameter; });
  if (after == parts_.begin()) return 0;
  const Part& part = *(after - 1);
  const Index inside = parameter - part.parameters.offset;
  if (inside >= part.parameters.size) return part.range.offset + part.range.size;
  LOCKSTEP_CHECK(part.range.size == part.parameters.size);
  return part.range.offset + inside;
}

}  // namespace lockstep
