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

ParameterRange ParameterLayout::add(std::string name, std::vector<Index> shape, ParameterKind kind) {
  Index size = 1;
  Index total = 0;
  bool overflows = false;
  for (const Index extent : shape) overflows = __builtin_mul_overflow(size, extent, &size) || overflows;
  if (__builtin_add_overflow(size_, size, &total) || overflows) {
    fail_input("{} [{}]: more parameters than can be counted; make that layer smaller", name,
               fmt::join(shape, " x "));
  }
  const ParameterRange range{size_, size};
  tensors_.push_back({std::move(name), std::move(shape), kind, range});
  size_ = total;
  return range;
}

}  // namespace lockstep
