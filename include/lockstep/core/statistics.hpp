#pragma once

#include <algorithm>
#include <vector>

namespace lockstep {

/// The middle of `values`, which must not be empty; the upper one of an even number.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace lockstep
