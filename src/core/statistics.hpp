#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace lockstep {

/// The larger of two numbers; NaN where either is, which std::max may drop.
inline double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }

/// The middle of `values`, which must not be empty; the mean of the two in the middle of an even number.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace lockstep
