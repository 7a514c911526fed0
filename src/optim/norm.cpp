#include "optim/norm.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/multiversion.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

// Sixteen running sums, so that the order is fixed and vector units still are of use.
constexpr Index kLanes = 16;

LOCKSTEP_MULTIVERSION
void add_squares(const Real* g, Index n, double* sums) {
  for (Index i = 0; i < n; i += kLanes) {
    for (Index lane = 0; lane < kLanes; ++lane) {
      const double value = g[i + lane];
      sums[lane] += value * value;
    }
  }
}

}  // namespace

double sum_of_squares(std::span<const Real> values) {
  std::array<double, kLanes> sums{};
  const Index size = static_cast<Index>(values.size());
  const Index whole = size / kLanes * kLanes;
  add_squares(values.data(), whole, sums.data());
  for (Index i = whole; i < size; ++i) {
    const double value = values[static_cast<std::size_t>(i)];
    sums[static_cast<std::size_t>(i - whole)] += value * value;
  }
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return sum;
}

double norm(std::span<const Real> values) { return std::sqrt(sum_of_squares(values)); }

double clip_factor(double norm, double largest) {
  // The constant is PyTorch's.
  return std::min(1.0, largest / (norm + 1e-6));
}

}  // namespace lockstep::inline LOCKSTEP_REAL
