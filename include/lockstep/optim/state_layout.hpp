#pragma once

#include <string>
#include <vector>

#include "lockstep/nn/parameter_layout.hpp"

namespace lockstep {

/// How a vector lies that goes along with the parameters, such as a momentum: for each tensor values in a
/// shape of their own, or none, one tensor after another without gaps.
class StateLayout {
 public:
  /// What is kept for one tensor.
  struct Part {
    std::string tensor;  ///< its name
    std::vector<Index> shape;
    ParameterRange parameters;  ///< the tensor's
    ParameterRange range;       ///< in this vector
  };

  /// Nothing yet.
  StateLayout() = default;
  /// One value for each parameter.
  explicit StateLayout(const ParameterLayout& layout);

  /// Appends values in `shape` for `tensor`, which comes after those that are here, and returns their range.
  /// Errors: more values than an Index counts.
  ParameterRange add(const ParameterTensor& tensor, const std::vector<Index>& shape);

  /// The tensors that it has values for, in the order of the parameters.
  const std::vector<Part>& parts() const { return parts_; }
  Index size() const { return size_; }

  /// Where the values for `parameters` stand. Of a tensor for which it has not just one value a parameter,
  /// `parameters` holds all or nothing.
  ParameterRange range_of(ParameterRange parameters) const;

 private:
  Index position_of(Index parameter) const;

  std::vector<Part> parts_;
  Index size_ = 0;
};

}  // namespace lockstep
