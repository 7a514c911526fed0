#include "lockstep/nn/parameter_layout.hpp"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/shape.hpp"

namespace lockstep {

std::vector<ParameterRange> pieces_of(ParameterRange range, Index size) {
  std::vector<ParameterRange> pieces;
  for (Index done = 0; done < range.size; done += size) {
    pieces.push_back({range.offset + done, std::min(size, range.size - done)});
  }
  return pieces;
}

ParameterRange ParameterLayout::add(std::size_t unit, std::string name, const TensorSpec& spec) {
  const std::optional<Index> end = count_values(spec.shape, size_);
  if (!end) {
    fail_input("{} [{}]: more parameters than can be counted; make that unit smaller", name,
               fmt::join(spec.shape, " x "));
  }
  const ParameterRange range{size_, *end - size_};
  tensors_.push_back({.name = std::move(name),
                      .shape = spec.shape,
                      .role = spec.role,
                      .fan_in = spec.fan_in,
                      .fan_out = spec.fan_out,
                      .uses = spec.uses,
                      .range = range,
                      .unit = unit,
                      .start = spec.start,
                      .is_factor = spec.is_factor});
  size_ = *end;
  return range;
}

}  // namespace lockstep
