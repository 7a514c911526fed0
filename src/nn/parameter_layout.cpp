#include "lockstep/nn/parameter_layout.hpp"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

std::vector<ParameterRange> pieces_of(ParameterRange range, Index size) {
  std::vector<ParameterRange> pieces;
  for (Index done = 0; done < range.size; done += size) {
    pieces.push_back({range.offset + done, std::min(size, range.size - done)});
  }
  return pieces;
}

ParameterRange ParameterLayout::add(std::size_t unit, std::string name, const TensorSpec& spec) {
  Index size = 1;
  Index total = 0;
  bool overflows = false;
  for (const Index extent : spec.shape) overflows = __builtin_mul_overflow(size, extent, &size) || overflows;
  if (__builtin_add_overflow(size_, size, &total) || overflows) {
    fail_input("{} [{}]: more parameters than can be counted; make that unit smaller", name,
               fmt::join(spec.shape, " x "));
  }
  const ParameterRange range{size_, size};
  tensors_.push_back({.name = std::move(name),
                      .shape = spec.shape,
                      .role = spec.role,
                      .fan_in = spec.fan_in,
                      .fan_out = spec.fan_out,
                      .range = range,
                      .unit = unit});
  size_ = total;
  return range;
}

}  // namespace lockstep
