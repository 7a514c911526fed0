#pragma once

#include <string>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep {

/// Positions [offset, offset + size) of the parameter vector, and of the gradient vector.
struct ParameterRange {
  Index offset = 0;
  Index size = 0;
};

/// `range` in pieces of at most `size` values, in order: what is summed, measured or stepped at a time, small
/// enough to stay in a near cache. Sums over parameters add up piece by piece, so that their bits do not
/// depend on who computed which piece.
std::vector<ParameterRange> pieces_of(ParameterRange range, Index size = 4096);

/// What a tensor's parameters do in their layer.
enum class ParameterKind { kWeight, kBias };

/// One named tensor inside the parameter vector.
struct ParameterTensor {
  std::string name;  ///< as torch.nn.Sequential names it: "0.weight"
  std::vector<Index> shape;
  ParameterKind kind = ParameterKind::kWeight;
  ParameterRange range;
};

/// Names, shapes and offsets of all parameters, in order, without gaps. Parameters are one contiguous vector
/// and gradients another; layers are views of them.
class ParameterLayout {
 public:
  /// Appends a tensor and returns its range. Errors: more parameters than an Index counts.
  ParameterRange add(std::string name, std::vector<Index> shape, ParameterKind kind);

  const std::vector<ParameterTensor>& tensors() const { return tensors_; }
  Index size() const { return size_; }

 private:
  std::vector<ParameterTensor> tensors_;
  Index size_ = 0;
};

}  // namespace lockstep
