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

/// What a tensor is for: it decides how the tensor starts and what acts on it. A weight multiplies; of a
/// table rows are looked up by their numbers; a gain is a learned scale; a statistic is not learned.
enum class TensorRole { kWeight, kTable, kBias, kGain, kStatistic };

/// Whether a tensor of this role starts at random values, and weight decay acts on it.
inline bool is_drawn(TensorRole role) { return role == TensorRole::kWeight || role == TensorRole::kTable; }

/// A tensor of a unit, as the unit describes it.
struct TensorSpec {
  std::string name = {};  ///< inside the unit: "weight"
  std::vector<Index> shape = {};
  TensorRole role = TensorRole::kWeight;
  Index fan_in = 0;   ///< what is drawn: inputs that one output adds up,
  Index fan_out = 0;  ///< and outputs that one input goes to
  Index uses = 1;     ///< a weight: multiplications with each of its values in the forward pass of one sample
  double start = 0;   ///< statistics: all values at first
  /// Whether the unit uses it in products alone, rounded as RowBlock::precision says: then it may travel so.
  bool is_factor = false;
};

/// One tensor inside the parameter vector.
struct ParameterTensor {
  std::string name;  ///< as nested torch.nn.Sequential name it: "0.weight"
  std::vector<Index> shape;
  TensorRole role = TensorRole::kWeight;
  Index fan_in = 0;
  Index fan_out = 0;
  Index uses = 1;
  ParameterRange range;
  std::size_t unit = 0;  ///< the number of the unit that it belongs to
  double start = 0;
  bool is_factor = false;
};

/// Names, shapes and offsets of all parameters, or of all statistics, in order, without gaps. Parameters are
/// one contiguous vector, gradients and statistics others; units see parts of them.
class ParameterLayout {
 public:
  /// Appends a tensor of unit number `unit`, called `name`, and returns its range. Errors: more parameters
  /// than an Index counts.
  ParameterRange add(std::size_t unit, std::string name, const TensorSpec& spec);

  const std::vector<ParameterTensor>& tensors() const { return tensors_; }
  Index size() const { return size_; }

 private:
  std::vector<ParameterTensor> tensors_;
  Index size_ = 0;
};

}  // namespace lockstep
