#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace lockstep {

/// The larger of two numbers; NaN where either is, which std::max may drop.
inline double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }

/// The middle of `values`, which must not be empty; the upper one of an even number.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace lockstep
