#include "lockstep/nn/parameter_layout.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace lockstep {

std::vector<ParameterRange> pieces_of(ParameterRange range, Index size) {
  std::vector<ParameterRange> pieces;
  for (Index done = 0; done < range.size; done += size) {
    pieces.push_back({range.offset + done, std::min(size, range.size - done)});
  }
  return pieces;
}

ParameterRange ParameterLayout::add(std::string name, std::vector<Index> shape, ParameterKind kind) {
  const Index size = std::accumulate(shape.begin(), shape.end(), Index{1}, std::multiplies<>());
  const ParameterRange range{size_, size};
  tensors_.push_back({std::move(name), std::move(shape), kind, range});
  size_ += size;
  return range;
}

}  // namespace lockstep
